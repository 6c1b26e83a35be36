"""The settings, one file per concern; what they take from outside is read in hub.env alone."""

from hub.settings.accounts import *
from hub.settings.api import *
from hub.settings.core import *
from hub.settings.data import *
from hub.settings.logs import *
from hub.settings.queues import *
from hub.settings.security import *
