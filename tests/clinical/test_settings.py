"""What this service alone is set by: where the other service is, and as whom it is asked."""

from __future__ import annotations

import json

from chassis.development import development_issuers
from chassis.issuers import parse_issuers
from chassis.tokens import Verifier
from tests.config.starting import PRODUCTION, ROOT, faults, started, value, without

from .world import variables

SERVICE = str(__package__).rpartition(".")[2]


def test_it_knows_nothing_of_files() -> None:
    show = "[n for n in dir(s) if n.startswith(('INGESTION', 'VCF'))]"
    assert value(show, CAREWAY_SERVICES=SERVICE, CAREWAY_VCF_LINE_BYTES="many") == []


def test_it_asks_where_it_is_told_as_whom_it_is_told() -> None:
    asked = value("[s.GENOMICS_URL, s.GENOMICS_TOKEN_FILE]", CAREWAY_SERVICES=SERVICE)
    assert asked == ["http://genomics.analyses.svc:8000", "/var/run/secrets/careway/token"]


def test_it_is_told_what_it_misses_and_what_is_wrong() -> None:
    missing = faults(without(*variables, CAREWAY_SERVICES=SERVICE))
    assert missing == [f"{name}: is required and not set" for name in variables]
    wrong = faults({**PRODUCTION, **dict.fromkeys(variables, "user:hunter2@genomics")})
    assert [fault.split(": must be ")[0] for fault in wrong] == list(variables)
    assert not any("hunter2" in fault for fault in wrong)


def test_in_development_a_process_asks_itself_as_a_service() -> None:
    environment = {"CAREWAY_ENVIRONMENT": "development", "CAREWAY_PORT": "8123"}
    show = "[s.GENOMICS_URL, str(s.GENOMICS_TOKEN_FILE.relative_to(s.STATE)), s.GENOMICS_TOKEN_FILE.read_text()]"
    url, path, token = json.loads(started(environment, show)[1])
    assert (url, path) == ("http://127.0.0.1:8123", f"{SERVICE}-token")
    issuers = parse_issuers(development_issuers(ROOT / ".careway" / "development-key.json"), development=True)[0]
    caller = Verifier(issuers).verify(token, "st-elsewhere")
    assert (caller.subject, caller.scopes) == (SERVICE, frozenset({"genomics:read"}))
