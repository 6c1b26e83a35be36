from django.apps import AppConfig


class HttpConfig(AppConfig):
    name = "hub.http"
    label = "hub_http"
    default_auto_field = "django.db.models.BigAutoField"
