"""The settings of a server that crashes when it is told to: production's as they are, and on_demand.py."""

from config import settings as production
from config.settings import *  # noqa: F403  (all of them)

MIDDLEWARE = [*production.MIDDLEWARE, "tests.crashing.on_demand.Crash"]
