"""Loaded before anything else (`-p tests.environment`): the settings' variables, and a real PostgreSQL.

With DATABASE_URL the tests use that server; otherwise the embedded one, which ends with the test run.
"""

import os
from pathlib import Path

STATE = Path(__file__).resolve().parent.parent / ".careway" / "test"

os.environ["CAREWAY_ENVIRONMENT"] = "development"
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ.setdefault("CAREWAY_LOG_LEVEL", "WARNING")
# Not what a developer's shell may hold: tests of settings set what they need.
for name in ("CAREWAY_TRUSTED_ISSUERS", "CAREWAY_SERVICES", "OTEL_EXPORTER_OTLP_ENDPOINT"):
    os.environ.pop(name, None)

if not os.environ.get("DATABASE_URL"):
    from chassis.postgres import start_embedded

    os.environ["DATABASE_URL"] = start_embedded(STATE / "postgres")
