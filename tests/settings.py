"""The settings of the tests: production's as they are, and the example service beside the services.

`SERVICES` stays what it is, so that whatever walks all services walks those of the product.
"""

from config import settings as production
from config.settings import *  # noqa: F403  (all of them)

ROOT_URLCONF = "tests.urls"
INSTALLED_APPS = [*production.INSTALLED_APPS, "tests.example"]
SCOPES = [*production.SCOPES, "example:read", "example:write", "example:discard"]
