"""chassis/postgresql/tls.py"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chassis.environment import Environment
from chassis.postgresql.tls import faults_in, judge


def faults(named: str = "db.internal", /, *, verified: bool = True, **options: Any) -> list[str]:
    return list(faults_in({"HOST": named, "OPTIONS": options}, verified=verified))


class TestFaultsIn:
    def test_verify_full_with_the_certificates_of_the_system_is_what_is_asked_for(self) -> None:
        assert faults(sslmode="verify-full", sslrootcert="system") == []

    @pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
    def test_every_lower_mode_is_refused_for_another_machine_alone(self, mode: str) -> None:
        (fault,) = faults(sslmode=mode)
        assert fault.startswith("needs sslmode=verify-full")
        assert faults(sslmode=mode, verified=False) == []
        assert faults("localhost", sslmode=mode) == []

    @pytest.mark.parametrize(
        "host", ["db.internal", "10.0.0.7", "fd00::1", "localhost,db.internal", "localhost.example"]
    )
    def test_another_machine_is_one(self, host: str) -> None:
        assert len(faults(host)) == 1

    @pytest.mark.parametrize(
        "host",
        ["", "localhost", "127.0.0.1", "127.8.8.8", "::1", "/run/postgresql", "%2Frun%2Fpostgresql", "localhost,::1"],
    )
    def test_this_machine_is_none(self, host: str) -> None:
        assert faults(host) == []

    def test_what_the_options_name_goes_before_the_host(self) -> None:
        assert faults("db.internal", host="/run/postgresql") == []
        assert len(faults("localhost", hostaddr="10.0.0.7")) == 1

    def test_verify_full_names_whom_it_trusts(self) -> None:
        (fault,) = faults(sslmode="verify-full", verified=False)
        assert fault.startswith("needs sslrootcert with sslmode=verify-full")

    @pytest.mark.parametrize("option", ["sslrootcert", "sslcert", "sslkey", "sslcrl"])
    def test_its_files_can_be_read(self, option: str, tmp_path: Path) -> None:
        given: dict[str, Any] = {"sslmode": "verify-full", "sslrootcert": "system", option: str(tmp_path / "file")}
        assert faults(**given) == [f"names a file as {option} that cannot be read (FileNotFoundError)"]
        (tmp_path / "file").write_text("certificate")
        assert faults(**given) == []

    def test_a_mode_that_libpq_does_not_know_is_refused_everywhere(self) -> None:
        (fault,) = faults("localhost", sslmode="verify_full", verified=False)
        assert fault.startswith("has an unknown sslmode; known are disable, ")


class TestJudge:
    @pytest.mark.parametrize(
        ("production", "allowed", "faults"), [(True, "", 1), (True, "true", 0), (False, "", 0), (True, "false", 1)]
    )
    def test_the_rule_is_production_s_and_can_be_lifted(self, production: bool, allowed: str, faults: int) -> None:
        env = Environment({"CAREWAY_ALLOW_PLAINTEXT_DATABASE": allowed})
        judge(env, {"HOST": "db.internal"}, production=production)
        assert [fault.split(":")[0] for fault in env.faults] == ["DATABASE_URL"] * faults
