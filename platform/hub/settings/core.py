"""Applications, middleware, templates, static files."""

from pathlib import Path

from hub.env import ENVIRONMENT, ROOT

FRONTEND = ROOT / "frontend"

SECRET_KEY = ENVIRONMENT.secret_key
DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
SITE_URL = ENVIRONMENT.site_url

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_vite",
    "rules.apps.AutodiscoverRulesConfig",
    "hub.http",
    "hub.accounts",
    "hub.audit",
    "hub.jobs",
    "hub.web",
    "repos",
    "reviews",
]

MIDDLEWARE = [
    "hub.http.timing.ServerTimingMiddleware",
    "hub.http.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "hub.web.assets.FreshStaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "hub.web.errors.ErrorPages",
]

ROOT_URLCONF = "hub.urls"
WSGI_APPLICATION = "hub.wsgi.application"
APPEND_SLASH = False  # owner names and sample keys end the paths; a slash of theirs is theirs

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [FRONTEND / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

STATIC_URL = "/static/"
STATIC_ROOT = ENVIRONMENT.data / "static"
STATICFILES_DIRS = [FRONTEND / "dist"]
# Vite has already named its files by their content: they are served as found, and for ever.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/assets/.+[-.][A-Za-z0-9_-]{8,}\.\w+$"

DJANGO_VITE = {
    "default": {
        "dev_mode": False,
        "app_client_class": "hub.web.assets.FreshClient",
        "manifest_path": FRONTEND / "dist" / ".vite" / "manifest.json",
        "static_url_prefix": "",
    }
}

LANGUAGE_CODE = "en"
LOCALE_PATHS = [Path(__file__).resolve().parents[1] / "locale"]  # our words for those of the sign-in library
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENVIRONMENT.email_from
EMAIL_SUBJECT_PREFIX = ""

SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # user names are unique without regard to case: a constraint says so, not the field
    "staticfiles.W004",  # a front end that is not built yet
    "django_vite.W001",
]
