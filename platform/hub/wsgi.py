"""The WSGI entry. A server without a secret of its own would sign sessions that no other process can read."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

from hub import warm
from hub.env import ENVIRONMENT

if not ENVIRONMENT.secret_key_given:
    raise ImproperlyConfigured(
        "set SECRET_KEY: a long random string, the same in every web and worker process"
    )

application = get_wsgi_application()
warm.run()
