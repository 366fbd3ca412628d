"""What this service alone is set by."""

from __future__ import annotations

import pytest

from tests.config.starting import PRODUCTION, faults, value

SERVICE = str(__package__).rpartition(".")[2]


class TestNumbers:
    @pytest.mark.parametrize(
        ("name", "wrong"),
        [
            ("CAREWAY_INGESTIONS_PER_PROCESS", "0"),
            ("CAREWAY_INGESTION_SECONDS", "1h"),
            ("CAREWAY_INGESTION_MINIMUM_BYTES_PER_SECOND", "0"),
            ("CAREWAY_VCF_LINE_BYTES", "1"),
            ("CAREWAY_VCF_EXPANDED_BYTES", "1"),
            ("CAREWAY_VCF_EXPANSION_RATIO", "1101"),
        ],
    )
    def test_one_out_of_bounds_is_refused_with_its_bounds(self, name: str, wrong: str) -> None:
        (fault,) = faults({**PRODUCTION, name: wrong})
        assert fault.startswith(f"{name}: must ")

    def test_more_ingestions_than_threads_contradict(self) -> None:
        (fault,) = faults({**PRODUCTION, "CAREWAY_THREADS": "3", "CAREWAY_INGESTIONS_PER_PROCESS": "4"})
        assert fault == "CAREWAY_INGESTIONS_PER_PROCESS: must lie between 1 and 3"


def test_it_starts_alone_and_knows_no_other_service() -> None:
    show = "[n for n in dir(s) if n.startswith(('INGESTION', 'VCF', 'GENOMICS'))]"
    assert value(show, CAREWAY_SERVICES=SERVICE) == [
        *("INGESTIONS_PER_PROCESS", "INGESTION_MINIMUM_BYTES_PER_SECOND", "INGESTION_SECONDS"),
        *("VCF_EXPANDED_BYTES", "VCF_EXPANSION_RATIO", "VCF_LINE_BYTES"),
    ]
