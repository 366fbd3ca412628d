"""Genomics and clinical as two deployments: a process and a database each, and nothing but HTTP between them."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import cache
from typing import Any

import psycopg
from django.conf import settings

from chassis.development import mint
from chassis.issuers import DEVELOPMENT_SERVICES_ISSUER
from tests.api import Answer, Api, RemoteApi
from tests.clinical import factories as clinical_factories
from tests.genomics import factories as genomics_factories
from tests.servers import ROOT, Server, free_port, make_database, product_environment

# The client's deadline, and as long for all else that a request does, on a machine that does much else.
LONGEST = 2.0 + 2.0
# Which every process of clinical keeps valid in development.
TOKEN_FILE = settings.STATE / "clinical-token"
# What a link keeps of the analysis as genomics shows it.
SNAPSHOT = (
    "status", "assay", "panel_code", "genome_build", "pipeline_name", "pipeline_version", "version", "ingested_at",
)  # fmt: skip


@cache
def database(service: str) -> str:
    """Of that service alone; one for all tests of the pair, which leave no pending link in it."""
    return make_database(f"careway_pair_{service}", services=service)


def genomics_server() -> Server:
    return Server(database("genomics"), {"CAREWAY_SERVICES": "genomics", "CAREWAY_WORKERS": "1"}, service="genomics")


def clinical_server(genomics_url: str, **variables: str) -> Server:
    """One worker, so that there is one circuit breaker."""
    return Server(
        database("clinical"),
        {**clinical_variables(genomics_url), "CAREWAY_WORKERS": "1", **variables},
        service="clinical",
    )


def clinical_variables(genomics_url: str) -> dict[str, str]:
    return {
        "CAREWAY_SERVICES": "clinical",
        "DATABASE_URL": database("clinical"),
        "CAREWAY_GENOMICS_URL": genomics_url,
        "CAREWAY_GENOMICS_TOKEN_FILE": str(TOKEN_FILE),
    }


def nobody() -> str:
    """An address at which every connection is refused."""
    return f"http://127.0.0.1:{free_port()}"


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`manage.py`, to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=product_environment(**variables), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def verify_links(genomics_url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return manage("verify_links", *arguments, **{**clinical_variables(genomics_url), **variables})


def service_token(**changes: Any) -> str:
    """A token as the clinical service has it; `changes` make it another one."""
    values = {"subject": "clinical", "organization": None, "scopes": ["genomics:read"], "seconds": 600}
    return mint(settings.STATE / "development-key.json", **{**values, "iss": DEVELOPMENT_SERVICES_ISSUER, **changes})


def visit(clinical: Api, **values: Any) -> dict[str, Any]:
    """A consultation of somebody new, unless `patient` names somebody."""
    return clinical_factories.consultation(clinical, **values)


def analysis(genomics: Api, patient: str, **values: Any) -> dict[str, Any]:
    """As genomics shows an analysis of that patient."""
    sample = genomics_factories.available_sample(genomics, patient_id=patient)["id"]
    made = genomics_factories.analysis(genomics, sample=sample, **values)
    return dict(genomics.get(f"analyses/{made['id']}").json)


def link(clinical: RemoteApi, consultation: str, analysis_id: str, **headers: str) -> Answer:
    """Asks for a link, and sees that the answer comes in time, whatever it is."""
    started = time.monotonic()
    body = {"analysis_id": analysis_id, "relation": "reviewed"}
    answer = clinical.post(f"consultations/{consultation}/genomic-links", body, **headers)
    assert time.monotonic() - started < LONGEST, answer.content
    return answer


def rows(statement: str, *parameters: Any, url: str = "") -> list[tuple[Any, ...]]:
    """What the database of clinical (or the one at `url`) holds."""
    with psycopg.connect(url or database("clinical")) as connection:
        return connection.execute(statement, parameters or None).fetchall()


def stored(consultation: str) -> list[tuple[str, str, Any, bool]]:
    """The links of a consultation: analysis, verification, snapshot, and whether it was checked."""
    return rows(
        "SELECT analysis_id::text, verification, snapshot, checked_at IS NOT NULL FROM clinical_genomiclink"
        " WHERE consultation_id = %s ORDER BY id",
        consultation,
    )


def all_links() -> list[tuple[Any, ...]]:
    """Every link with its version, and each event of its history."""
    return rows(
        "SELECT link.id, link.verification, link.version, link.updated_at, event.pgh_id, event.version"
        " FROM clinical_genomiclink link JOIN clinical_genomiclinkevent event ON event.pgh_obj_id = link.id ORDER BY 1, 5"
    )


def forget_links() -> None:
    """Empties the table between tests; its triggers refuse that to everybody else."""
    with psycopg.connect(database("clinical")) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM clinical_genomiclink")
