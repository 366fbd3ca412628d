from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def terraform() -> None:
    """What needs the program itself; `make check-terraform` and `make prove-terraform` need it for more."""
    if not shutil.which("terraform"):
        pytest.skip("there is no terraform here")
