"""A process that imports config/settings.py with an environment of its own: what it knows then, or why it refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.worlds import world_of

ROOT = Path(__file__).resolve().parents[2]
ISSUER = {
    "name": "hospital",
    "issuer": "https://login.hospital.example/realms/staff",
    "audiences": ["careway"],
    "jwks_url": "https://login.hospital.example/realms/staff/keys",
    "organization_claim": "organization",
}
# What the house cannot start without, and what each service adds to that.
HOUSE = {
    "CAREWAY_SECRET_KEY": "made-up-for-the-tests-of-settings-alone",
    "CAREWAY_ALLOWED_HOSTS": "careway.hospital.example",
    "CAREWAY_TRUSTED_ISSUERS": json.dumps([ISSUER]),
    "DATABASE_URL": "postgresql://careway:p%40ss@db.internal:5432/careway?sslmode=verify-full&sslrootcert=system",
}
OF_SERVICES = {name: text for each in settings.SERVICES for name, text in world_of(each).variables.items()}
PRODUCTION = {**HOUSE, **OF_SERVICES}


def started(environment: Mapping[str, str], show: str = "''") -> tuple[int, str, str]:
    """Exit status, what `show` evaluates to, and stderr of a process that imports the settings."""
    code = f"import json, config.settings as s; print(json.dumps({show}, default=str))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def value(show: str, **changes: str) -> Any:
    """What `show` evaluates to in a production that has these variables too."""
    status, output, errors = started({**PRODUCTION, **changes}, show)
    assert (status, errors) == (0, ""), errors
    return json.loads(output)


def faults(environment: Mapping[str, str]) -> list[str]:
    """The faults that a refused start lists."""
    status, output, errors = started(environment)
    assert (status, output) == (1, ""), output
    last = errors[errors.index("ImproperlyConfigured: ") :]
    assert last.startswith("ImproperlyConfigured: Careway cannot start. Mend these variables:\n")
    assert last.endswith("They are described in docs/operating.md.\n")
    return [line.removeprefix("  - ") for line in last.splitlines() if line.startswith("  - ")]


def without(*names: str, **changes: str) -> dict[str, str]:
    return {name: text for name, text in {**PRODUCTION, **changes}.items() if name not in names}
