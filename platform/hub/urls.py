"""The map of addresses. Fixed words come first: owner and name are last, and their words are reserved."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from hub.http.health import health
from hub.http.metrics import metrics


def mounted(at: str, module: str) -> list[URLPattern | URLResolver]:
    """Addresses of a part that may be left out: a service for the API alone has no pages."""
    try:
        present = find_spec(module) is not None
    except ModuleNotFoundError:
        present = False
    return [path(at, include(module))] if present else []


urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health, name="health"),
    path("metrics", metrics, name="metrics"),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("hub.accounts.urls_api")),
    *mounted("api/v1/", "reviews.api.urls"),
    *mounted("api/v1/", "repos.api.urls"),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("hub.accounts.urls_web")),
    *mounted("", "reviews.web.urls"),
    *mounted("", "repos.web.urls"),
]

handler400 = "hub.http.fallbacks.bad_request"
handler403 = "hub.http.fallbacks.permission_denied"
handler404 = "hub.http.fallbacks.not_found"
handler500 = "hub.http.fallbacks.server_error"
