"""Of a server that a test starts with DJANGO_SETTINGS_MODULE=tests.crashing.settings; all else is production's."""

from config.settings import *  # noqa: F403  (all of them)

ROOT_URLCONF = "tests.crashing.urls"
