"""The settings of the tests: production's as they are, and the example service beside the services.

`SERVICES` stays what it is, so that whatever walks all services walks those of the product.
"""

from config import settings as production
from config.settings import *  # noqa: F403  (all of them)

ROOT_URLCONF = "tests.urls"
# The linter is a tool of development: `make lint` asks it with these settings.
INSTALLED_APPS = [*production.INSTALLED_APPS, "tests.example", "django_migration_linter"]
SCOPES = [*production.SCOPES, "example:read", "example:write", "example:discard"]
