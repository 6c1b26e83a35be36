from django.urls import path

from hub.accounts import web

urlpatterns = [
    path("settings", web.start, name="settings"),
    path("settings/profile", web.profile, name="settings-profile"),
    path("settings/tokens", web.tokens, name="settings-tokens"),
    path("settings/tokens/<int:token_id>/revoke", web.revoke, name="settings-token-revoke"),
]
