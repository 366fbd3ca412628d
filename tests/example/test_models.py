"""What the database holds for this service, tried by raw SQL: no code of ours stands between."""

from __future__ import annotations

import pytest

from tests.api import Api
from tests.database import execute, refusal
from tests.example.models import Specimen

from . import factories

TABLE = Specimen._meta.db_table
OTHER_PATIENT = "01890a5d-ac96-774b-bcce-b302099a8058"


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("accession = 'lower case'", "accession"),
        ("kind = 'nectar'", "kind"),
        ("received_at = collected_at - interval '1 minute'", "received_before_collected"),
        ("collected_at = now() + interval '1 hour', received_at = null", "collected_in_future"),
        ("parent_id = id", "own_parent"),
    ],
)
def test_it_refuses_what_breaks_a_constraint(api: Api, change: str, constraint: str) -> None:
    made = factories.sample(api)
    assert f'"{TABLE}_{constraint}"' in refusal(f"UPDATE {TABLE} SET {change} WHERE id = %s", made["id"])


def test_a_parent_is_of_the_same_patient(api: Api) -> None:
    parent = factories.sample(api, patient_id=OTHER_PATIENT)
    child = factories.sample(api)
    told = refusal(f"UPDATE {TABLE} SET parent_id = %s WHERE id = %s", parent["id"], child["id"])
    assert '"specimen_parent"' in told


def test_whose_it_is_stays_once_it_is_available(api: Api) -> None:
    change = f"UPDATE {TABLE} SET patient_id = %s WHERE id = %s"
    execute(change, OTHER_PATIENT, factories.sample(api)["id"])
    assert "identity" in refusal(change, OTHER_PATIENT, factories.available_sample(api)["id"])


def test_a_status_follows_the_machine(api: Api) -> None:
    made = factories.sample(api)
    assert "transitions" in refusal(f"UPDATE {TABLE} SET status = 'exhausted' WHERE id = %s", made["id"])
