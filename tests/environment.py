"""Loaded before anything else (`-p tests.environment`): the settings' variables, and a real PostgreSQL.

With DATABASE_URL the tests use that server; otherwise the embedded one, which ends with the test run.
"""

import os
from pathlib import Path

STATE = Path(__file__).resolve().parent.parent / ".careway" / "test"

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ.setdefault("CAREWAY_LOG_LEVEL", "WARNING")
# Not what a developer's shell may hold: tests of settings set what they need.
KEPT = {"CAREWAY_BUILD_FLAGS", "CAREWAY_CORPUS", "CAREWAY_IMAGE", "CAREWAY_LOG_LEVEL"}
# What the proof on a cluster is told: where the registry is, and the like.
PROOF = ("CAREWAY_PROOF_", "CAREWAY_REGISTRY")
for name in [name for name in os.environ if name.startswith(("CAREWAY_", "OTEL_")) and name not in KEPT]:
    if not name.startswith(PROOF):
        os.environ.pop(name)
os.environ["CAREWAY_ENVIRONMENT"] = "development"
# A service that asks another one on this machine's port finds nobody there, and not the developer's `make run`.
os.environ["CAREWAY_PORT"] = "9"

if not os.environ.get("DATABASE_URL"):
    from chassis.postgres import start_embedded

    os.environ["DATABASE_URL"] = start_embedded(STATE / "postgres")
