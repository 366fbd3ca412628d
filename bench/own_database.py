"""Imported first by a measurement that brings its own PostgreSQL: the tests' is not started for it, nor any other asked."""

from __future__ import annotations

import os

from django.conf import settings

# In place of none, and of a developer's: nobody listens here. A server of the bench is told its own database.
NOBODY = "postgresql://127.0.0.1:9/nobody"
named = os.environ.get("DATABASE_URL", "")
if not settings.configured:  # they are in a test run, whose database stays what it is
    os.environ["DATABASE_URL"] = NOBODY

from bench.environment import check_local  # noqa: E402

check_local(named)
