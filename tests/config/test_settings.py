"""config/settings.py: imported in a process of its own, with an environment of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.conf import settings

from chassis.issuers import DEVELOPMENT_ISSUER, DEVELOPMENT_SERVICES_ISSUER
from tests.worlds import world_of

from .starting import HOUSE, ISSUER, OF_SERVICES, PRODUCTION, ROOT, faults, started, value, without

SERVICES = settings.SERVICES


class TestAProduction:
    def test_it_starts_with_what_is_required_and_nothing_more(self) -> None:
        assert value("[s.DEVELOPMENT, s.DEBUG, s.TELEMETRY]") == [False, False, False]

    def test_with_nothing_set_every_fault_is_told_at_once_with_what_to_set(self) -> None:
        found = faults({})
        assert found[: len(HOUSE)] == [
            "CAREWAY_SECRET_KEY: is required and has at least 32 characters (it signs the cursors of lists)",
            "CAREWAY_ALLOWED_HOSTS: is required: the host names that clients use, separated by commas",
            "CAREWAY_TRUSTED_ISSUERS: is required: a JSON list of trusted token issuers",
            "DATABASE_URL: is required: postgresql://user:password@host:5432/database",
        ]
        assert found[len(HOUSE) :] == [f"{name}: is required and not set" for name in OF_SERVICES]

    def test_every_fault_of_what_is_set_is_told_at_once_too(self) -> None:
        found = faults(
            {
                **PRODUCTION,
                "CAREWAY_ENVIRONMENT": "staging",
                "CAREWAY_SERVICES": f"{SERVICES[0]},oncology",
                "CAREWAY_SECRET_KEY": "short",
                "CAREWAY_BEHIND_TLS_PROXY": "yes",
                "CAREWAY_THREADS": "many",
                "CAREWAY_WORKERS": "0",
                "CAREWAY_LOG_LEVEL": "LOUD",
                "DATABASE_URL": "mysql://careway:hunter2@db/careway",
                "CAREWAY_TRUSTED_ISSUERS": "[",
            }
        )
        named = [fault.split(":")[0] for fault in found]
        assert set(named) == {
            "CAREWAY_ENVIRONMENT",
            "CAREWAY_SERVICES",
            "CAREWAY_SECRET_KEY",
            "CAREWAY_BEHIND_TLS_PROXY",
            "CAREWAY_THREADS",
            "CAREWAY_WORKERS",
            "CAREWAY_LOG_LEVEL",
            "DATABASE_URL",
            "CAREWAY_TRUSTED_ISSUERS",
        }
        assert not any("hunter2" in fault for fault in found)

    def test_an_environment_that_is_none_is_treated_as_production(self) -> None:
        found = faults({"CAREWAY_ENVIRONMENT": "dev"})
        assert found[0] == "CAREWAY_ENVIRONMENT: must be one of production, development"
        assert any(fault.startswith("CAREWAY_SECRET_KEY") for fault in found)

    def test_hosts_and_secret_are_taken_as_given(self) -> None:
        assert value("[s.ALLOWED_HOSTS, s.SECRET_KEY]", CAREWAY_ALLOWED_HOSTS="a.example, b.example") == [
            ["a.example", "b.example"],
            HOUSE["CAREWAY_SECRET_KEY"],
        ]

    @pytest.mark.parametrize(
        "name", ["CAREWAY_SECRET_KEY", "CAREWAY_ALLOWED_HOSTS", "CAREWAY_TRUSTED_ISSUERS", "DATABASE_URL"]
    )
    def test_each_required_variable_is_missed_by_name(self, name: str) -> None:
        assert {fault.split(":")[0] for fault in faults(without(name))} == {name}

    def test_behind_a_proxy_it_believes_the_protocol(self) -> None:
        assert value("getattr(s, 'SECURE_PROXY_SSL_HEADER', None)") is None
        assert value("[s.SECURE_PROXY_SSL_HEADER, s.SECURE_HSTS_SECONDS]", CAREWAY_BEHIND_TLS_PROXY="true") == [
            ["HTTP_X_FORWARDED_PROTO", "https"],
            31_536_000,
        ]


class TestNumbers:
    @pytest.mark.parametrize(
        ("name", "wrong"),
        [
            ("CAREWAY_PORT", "0"),
            ("CAREWAY_PORT", "65536"),
            ("CAREWAY_WORKERS", "65"),
            ("CAREWAY_THREADS", "0"),
            ("CAREWAY_CONNECTION_SECONDS", "9"),
            ("CAREWAY_LOCK_TIMEOUT_SECONDS", "61"),
            ("CAREWAY_STATEMENT_TIMEOUT_SECONDS", "-1"),
            ("CAREWAY_MAX_BODY_BYTES", "10"),
            ("CAREWAY_BODY_IDLE_SECONDS", "0.5"),
        ],
    )
    def test_one_out_of_bounds_is_refused_with_its_bounds(self, name: str, wrong: str) -> None:
        (fault,) = faults({**PRODUCTION, name: wrong})
        assert fault.startswith(f"{name}: must ")

    @pytest.mark.parametrize(("threads", "share"), [("1", 1), ("2", 1), ("4", 3)])
    def test_one_subject_gets_all_threads_but_one(self, threads: str, share: int) -> None:
        assert value("s.REQUESTS_PER_SUBJECT", CAREWAY_THREADS=threads) == share

    def test_in_development_one_may_have_them_all(self) -> None:
        assert value("s.REQUESTS_PER_SUBJECT", CAREWAY_ENVIRONMENT="development") == 0

    def test_one_thread_alone_is_enough(self) -> None:
        assert value("s.DATABASES['default']['OPTIONS']['pool']['max_size']", CAREWAY_THREADS="1") == 1


class TestSecretsInFiles:
    def test_a_secret_may_lie_in_a_file(self, tmp_path: Path) -> None:
        names = ("CAREWAY_SECRET_KEY", "DATABASE_URL", "CAREWAY_TRUSTED_ISSUERS")
        for name in names:
            (tmp_path / name).write_text(PRODUCTION[name] + "\n")
        files = {f"{name}_FILE": str(tmp_path / name) for name in names}
        status, output, errors = started(
            without(*names, **files), "[s.SECRET_KEY, s.DATABASES['default']['PASSWORD'], len(s.TRUSTED_ISSUERS)]"
        )
        assert (status, errors) == (0, "")
        assert json.loads(output) == [HOUSE["CAREWAY_SECRET_KEY"], "p@ss", 1]

    def test_set_twice_it_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(HOUSE["CAREWAY_SECRET_KEY"])
        (fault,) = faults({**PRODUCTION, "CAREWAY_SECRET_KEY_FILE": str(tmp_path / "key")})
        assert fault == "CAREWAY_SECRET_KEY: is set twice, also as CAREWAY_SECRET_KEY_FILE; keep one"

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        found = faults(without("DATABASE_URL", DATABASE_URL_FILE=str(tmp_path / "nothing")))
        assert found == ["DATABASE_URL_FILE: cannot be read (FileNotFoundError)"]

    def test_an_empty_file_is_no_secret(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("\n")
        found = faults(without("CAREWAY_SECRET_KEY", CAREWAY_SECRET_KEY_FILE=str(tmp_path / "key")))
        assert [fault.split(":")[0] for fault in found] == ["CAREWAY_SECRET_KEY"]


class TestCredentialsInFiles:
    URL = "postgresql://db.internal:5432/careway?sslmode=verify-full&sslrootcert=system"

    def test_user_and_password_may_lie_in_files(self, tmp_path: Path) -> None:
        (tmp_path / "user").write_text("careway_a\n")
        (tmp_path / "password").write_text("hunter2\n")
        files = {"DATABASE_USER_FILE": str(tmp_path / "user"), "DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
        show = "s.DATABASES['default']['CREDENTIALS'].current()"
        assert value(show, DATABASE_URL=self.URL, **files) == {"user": "careway_a", "password": "hunter2"}

    def test_without_them_nothing_is_read(self) -> None:
        assert value("s.DATABASES['default']['CREDENTIALS'].current()") == {}

    def test_one_that_cannot_be_read_is_told_at_start(self, tmp_path: Path) -> None:
        variables = {"DATABASE_PASSWORD_FILE": str(tmp_path / "nothing"), "DATABASE_URL": self.URL}
        assert faults({**PRODUCTION, **variables}) == ["DATABASE_PASSWORD_FILE: cannot be read (FileNotFoundError)"]

    def test_a_password_in_two_places_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "password").write_text("hunter2")
        found = faults({**PRODUCTION, "DATABASE_PASSWORD_FILE": str(tmp_path / "password")})
        assert found == ["DATABASE_PASSWORD_FILE: is set, and DATABASE_URL has a password too; keep one"]

    def test_a_user_does_not_rotate_alone(self, tmp_path: Path) -> None:
        (tmp_path / "user").write_text("careway_a")
        found = faults({**PRODUCTION, "DATABASE_USER_FILE": str(tmp_path / "user")})
        assert found == ["DATABASE_USER_FILE: needs DATABASE_PASSWORD_FILE: the two rotate together"]


class TestTheDatabase:
    @pytest.mark.parametrize(
        "url", ["mysql://u:hunter2@h/d", "sqlite:///x", "postgresql://u:hunter2@h", "https://u:hunter2@h/d", "careway"]
    )
    def test_any_other_than_postgresql_is_refused_without_a_word_of_its_password(self, url: str) -> None:
        environment = {**PRODUCTION, "DATABASE_URL": url}
        (fault,) = faults(environment)
        assert fault.startswith("DATABASE_URL: must look like postgresql://")
        assert "hunter2" not in started(environment)[2]

    def test_its_url_is_read_whole(self) -> None:
        show = "[s.DATABASES['default'][n] for n in ('ENGINE', 'NAME', 'USER', 'PASSWORD', 'HOST', 'PORT')]"
        assert value(show) == ["chassis.postgresql", "careway", "careway", "p@ss", "db.internal", 5432]
        assert value("s.DATABASES['default']['OPTIONS']['sslmode']") == "verify-full"

    def test_time_outs_go_to_every_session(self) -> None:
        options = value("s.DATABASES['default']['OPTIONS']['options']", CAREWAY_LOCK_TIMEOUT_SECONDS="7")
        assert "-c lock_timeout=7s" in options
        assert "-c statement_timeout=15s" in options
        assert "-c idle_in_transaction_session_timeout=60s" in options

    @pytest.mark.parametrize(("set_to", "seconds"), [({}, 3600), ({"CAREWAY_CONNECTION_SECONDS": "20"}, 20)])
    def test_no_connection_grows_older_than_is_set(self, set_to: dict[str, str], seconds: int) -> None:
        assert value("s.DATABASES['default']['OPTIONS']['pool']['max_lifetime']", **set_to) == seconds

    def test_the_url_s_own_options_stay_before_the_time_outs(self) -> None:
        url = f"{PRODUCTION['DATABASE_URL']}&options=-csearch_path%3Dcareway"
        options = value("s.DATABASES['default']['OPTIONS']['options']", DATABASE_URL=url)
        assert options.startswith("-csearch_path=careway -c lock_timeout=5s ")

    def test_the_pool_has_a_connection_a_thread(self) -> None:
        pool = value("s.DATABASES['default']['OPTIONS']['pool']", CAREWAY_THREADS="9")
        assert (pool["max_size"], pool["timeout"]) == (9, 1.5)

    def test_behind_a_transaction_pooler_nothing_is_prepared(self) -> None:
        show = "s.DATABASES['default']['OPTIONS']['prepare_threshold']"
        assert value(show) == 5
        assert value(show, CAREWAY_TRANSACTION_POOLER="true") is None

    def test_behind_a_transaction_pooler_no_time_out_is_sent_since_it_would_be_refused(self) -> None:
        assert value("'options' in s.DATABASES['default']['OPTIONS']", CAREWAY_TRANSACTION_POOLER="true") is False


class TestTheIssuers:
    @pytest.mark.parametrize(
        ("member", "text"),
        [
            ("name", "development"),
            ("issuer", DEVELOPMENT_ISSUER),
            ("name", "development-services"),
            ("issuer", DEVELOPMENT_SERVICES_ISSUER),
        ],
    )
    def test_those_of_development_are_refused_in_production(self, member: str, text: str) -> None:
        raw = json.dumps([{**ISSUER, member: text}])
        (fault,) = faults({**PRODUCTION, "CAREWAY_TRUSTED_ISSUERS": raw})
        assert "is the development issuer" in fault
        assert fault.startswith("CAREWAY_TRUSTED_ISSUERS: issuer 1: ")

    @pytest.mark.parametrize("raw", ["[", "", "{}", "[]", "null", '"x"', "[1]", '[{"name": "x"}]'])
    def test_what_is_no_list_of_issuers_is_refused(self, raw: str) -> None:
        found = faults({**PRODUCTION, "CAREWAY_TRUSTED_ISSUERS": raw})
        assert {fault.split(":")[0] for fault in found} == {"CAREWAY_TRUSTED_ISSUERS"}

    def test_an_issuer_is_taken_as_given(self) -> None:
        assert value("[(i.name, i.issuer) for i in s.TRUSTED_ISSUERS]") == [["hospital", ISSUER["issuer"]]]


class TestADevelopment:
    ENVIRONMENT: Mapping[str, str] = {"CAREWAY_ENVIRONMENT": "development"}

    def test_it_needs_nothing_else(self) -> None:
        status, output, errors = started(
            self.ENVIRONMENT, "[s.DEVELOPMENT, s.DEBUG, s.SERVICES == list(s.AVAILABLE_SERVICES)]"
        )
        assert (status, errors) == (0, "")
        assert json.loads(output) == [True, False, True]

    def test_it_trusts_an_issuer_for_people_and_one_for_services(self) -> None:
        output = started(self.ENVIRONMENT, "[[i.issuer, i.delegated] for i in s.TRUSTED_ISSUERS]")[1]
        assert json.loads(output) == [[DEVELOPMENT_ISSUER, False], [DEVELOPMENT_SERVICES_ISSUER, True]]

    def test_it_may_trust_another_issuer_instead(self) -> None:
        environment = {**self.ENVIRONMENT, "CAREWAY_TRUSTED_ISSUERS": json.dumps([ISSUER])}
        assert json.loads(started(environment, "[i.name for i in s.TRUSTED_ISSUERS]")[1]) == ["hospital"]

    def test_it_has_no_debug_page_either(self) -> None:
        assert json.loads(started({**self.ENVIRONMENT, "DEBUG": "true"}, "s.DEBUG")[1]) is False


class TestServices:
    @pytest.mark.parametrize("service", SERVICES)
    def test_a_process_serves_those_it_is_told(self, service: str) -> None:
        assert value("s.SERVICES", CAREWAY_SERVICES=service) == [service]
        installed = value("s.INSTALLED_APPS", CAREWAY_SERVICES=f" {service} ")
        assert [name for name in installed if name in SERVICES] == [service]

    def test_an_unknown_one_is_refused_by_name(self) -> None:
        (fault,) = faults({**PRODUCTION, "CAREWAY_SERVICES": f"{SERVICES[0]},oncology"})
        assert fault.startswith("CAREWAY_SERVICES: names oncology; this build has ")

    @pytest.mark.parametrize("service", SERVICES)
    def test_scopes_are_those_of_the_services(self, service: str) -> None:
        scopes = value("s.SCOPES", CAREWAY_SERVICES=service)
        assert scopes[:2] == [f"{service}:read", f"{service}:write"]
        assert [scope for scope in scopes if not scope.startswith(f"{service}:")] == ["history:read"]

    @pytest.mark.parametrize("service", SERVICES)
    def test_what_one_service_needs_is_asked_of_no_other(self, service: str) -> None:
        variables = {**HOUSE, **world_of(service).variables, "CAREWAY_SERVICES": service}
        assert started(variables)[::2] == (0, "")
        foreign = {name: "hunter2" for name in OF_SERVICES if name not in variables}
        assert started({**variables, **foreign})[::2] == (0, "")


class TestThePort:
    def bind(self, **environment: str) -> str:
        """Where gunicorn listens by its configuration."""
        code = "import config.gunicorn as g; print(g.bind)"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def test_in_development_it_is_one_of_this_machine_alone(self) -> None:
        assert self.bind(CAREWAY_ENVIRONMENT="development") == "127.0.0.1:8000"
        assert self.bind(CAREWAY_ENVIRONMENT="development", CAREWAY_PORT="8123") == "127.0.0.1:8123"

    def test_in_production_it_is_one_of_every_address(self) -> None:
        host = "[::]" if socket.has_dualstack_ipv6() else "0.0.0.0"
        assert self.bind(**PRODUCTION, CAREWAY_PORT="8123") == f"{host}:8123"


class TestTelemetry:
    def test_malformed_otel_variables_are_faults_among_the_others(self) -> None:
        """Else they would end every worker as it starts, or be nothing but a warning."""
        wrong = {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
        named = [fault.split(":")[0] for fault in faults({**PRODUCTION, **wrong, "CAREWAY_THREADS": "0"})]
        assert named == ["CAREWAY_THREADS", *wrong]

    def test_what_telemetry_sets_by_itself_is_sound(self) -> None:
        show = "list(s.otel.faults(s.os.environ))"
        assert value(show, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318") == []

    def test_it_finds_django_s_settings_though_it_starts_before_the_application_names_them(self) -> None:
        """Where nothing else names them, as for gunicorn started by hand: each request would be answered 500."""
        show = "[__import__('chassis.telemetry').telemetry.start(), __import__('django.conf').conf.settings.MIDDLEWARE]"
        middleware = value(show, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_SDK_DISABLED="true")[1]
        assert middleware[0] == "chassis.instrumentation.TracingMiddleware"
        assert middleware[1:] == value("s.MIDDLEWARE")
