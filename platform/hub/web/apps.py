from django.apps import AppConfig


class WebConfig(AppConfig):
    """What all pages share: template tags, navigation."""

    name = "hub.web"
    label = "hub_web"
