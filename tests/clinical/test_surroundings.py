"""clinical/surroundings.py; against a genomics service that is really there, server/test_doctor.py."""

from __future__ import annotations

from typing import Any

import pytest

from clinical import genomics_client, surroundings
from tests.clinical.peers import Answer, Peer, problem, reply


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (problem("not-found"), ""),
        (problem("unauthenticated"), "identity"),
        (reply(500), "status"),
        (reply(404, {"detail": "no such page"}), "garbage"),
    ],
)
def test_only_the_answer_that_there_is_no_such_analysis_is_well(settings: Any, answer: Answer, reason: str) -> None:
    with Peer(answer) as peer:
        settings.GENOMICS_URL = peer.url
        found = surroundings.genomics()
    assert [fault.msg for fault in found] == ([f"Genomics could not be asked ({reason})."] if reason else [])
    assert all(fault.hint for fault in found)
    genomics_client.forget_failures()
