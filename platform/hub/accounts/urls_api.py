from django.urls import path

from hub.accounts import api

urlpatterns = [
    path("user", api.CurrentUser.as_view(), name="api-user"),
    path("user/tokens", api.Tokens.as_view(), name="api-tokens"),
    path("user/tokens/<int:token_id>", api.OneToken.as_view(), name="api-token"),
]
