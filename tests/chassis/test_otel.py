"""chassis/otel.py: what a worker would stumble over later, found at the start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chassis.otel import faults
from tests.broken_collector import self_signed
from tests.servers import ROOT, product_environment

COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
# The SDK, given these: W ends every worker, D takes a default with a warning, E fails at each export, S says nothing.
WRONG = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),  # E
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector:4317"),  # E
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),  # E
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:99999"),  # E
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector..svc:4318"),  # E
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/?a=b"),  # E
    ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "nonsense"),  # E
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),  # W
    ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json"),  # W
    ("OTEL_TRACES_EXPORTER", "jaeger"),  # W
    ("OTEL_TRACES_EXPORTER", "none,otlp"),  # W
    ("OTEL_METRICS_EXPORTER", "prometheus"),  # W
    ("OTEL_LOGS_EXPORTER", "console"),  # S: prints between the lines of the log
    ("OTEL_TRACES_SAMPLER", "sometimes"),  # D
    ("OTEL_TRACES_SAMPLER_ARG", "half"),  # D
    ("OTEL_TRACES_SAMPLER_ARG", "1.5"),  # D
    ("OTEL_TRACES_SAMPLER_ARG", "nan"),  # D
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "abc"),  # D
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),  # E
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "nan"),  # E
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "10000"),  # S: milliseconds were meant, and hours are waited
    ("OTEL_BSP_SCHEDULE_DELAY", "abc"),  # D
    ("OTEL_BSP_SCHEDULE_DELAY", "0"),  # W
    ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),  # W
    ("OTEL_BLRP_MAX_QUEUE_SIZE", "-1"),  # W
    ("OTEL_METRIC_EXPORT_INTERVAL", "0"),  # W
    ("OTEL_METRIC_EXPORT_TIMEOUT", "1.5"),  # S
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1"),  # W
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"),  # W
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization"),  # D, and the value is logged
    ("OTEL_EXPORTER_OTLP_HEADERS", "a b=c"),  # D
    ("OTEL_EXPORTER_OTLP_HEADERS", "x=ü"),  # D
    ("OTEL_EXPORTER_OTLP_HEADERS", "x=%E2%82%AC"),  # E
    ("OTEL_EXPORTER_OTLP_HEADERS", "x=a%0Ab"),  # E
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),  # D
    ("OTEL_RESOURCE_ATTRIBUTES", "service.name"),  # D
    ("OTEL_RESOURCE_ATTRIBUTES", "a=1,=2"),  # D
    ("OTEL_SEMCONV_STABILITY_OPT_IN", "https"),  # S
    ("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup,database"),  # S
    ("OTEL_PROPAGATORS", "b3"),  # W
    ("OTEL_PROPAGATORS", "tracecontext,,baggage"),  # W
    ("OTEL_SDK_DISABLED", "yes"),  # S
    ("OTEL_METRICS_EXEMPLAR_FILTER", "x"),  # W
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "x"),  # D
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem"),  # E
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/nowhere/client.pem"),  # E
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nowhere/key.pem"),  # S
    ("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "("),  # W
    ("OTEL_CONFIG_FILE", "/nowhere/otel.yaml"),  # W
]


@pytest.mark.parametrize(("name", "text"), WRONG)
def test_each_malformed_value_is_one_fault_of_its_variable(name: str, text: str) -> None:
    ((named, what),) = faults({**COLLECTOR, name: text})
    assert named == name
    assert what.startswith(("must ", "is "))


def test_sound_values_are_none() -> None:
    assert not list(
        faults(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.observability.svc:4318/otlp/",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://[::1]:4318/v1/traces",
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://metrics:8428/v1/metrics?extra_label=a%3Db",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20s3cret, x-tenant=a",
                "OTEL_EXPORTER_OTLP_TIMEOUT": "2.5",
                "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
                "OTEL_LOGS_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "none",
                "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": "0.1",
                "OTEL_PROPAGATORS": "tracecontext,baggage",
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod,k8s.pod.uid=4f,service.instance.id=a.b.c,",
                "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
                "OTEL_BSP_MAX_QUEUE_SIZE": "4096",
                "OTEL_SPAN_LINK_COUNT_LIMIT": "0",
                "OTEL_SDK_DISABLED": "True",
                "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": "livez,ready.*",
                "OTEL_SERVICE_NAME": "careway",
            }
        )
    )


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_variable_counts_as_unset(text: str) -> None:
    assert not list(faults({**COLLECTOR, "OTEL_BSP_SCHEDULE_DELAY": text, "OTEL_EXPORTER_OTLP_PROTOCOL": text}))


class TestWithoutACollector:
    def test_what_nothing_reads_is_left_alone(self) -> None:
        """A platform may set one protocol for everybody, also for those that have no collector."""
        assert not list(faults({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_TRACES_EXPORTER": "jaeger"}))

    def test_propagators_are_read_all_the_same(self) -> None:
        assert [name for name, _ in faults({"OTEL_PROPAGATORS": "b3"})] == ["OTEL_PROPAGATORS"]

    def test_an_unknown_propagator_is_told_before_the_api_raises_as_it_is_imported(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", "import config.settings"],
            cwd=ROOT, env=product_environment(OTEL_PROPAGATORS="xray"), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert "OTEL_PROPAGATORS: must be" in done.stderr

    def test_an_endpoint_of_one_signal_alone_would_be_ignored_and_is_told(self) -> None:
        ((name, what),) = faults({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"})
        assert name == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in what


class TestCredentials:
    def test_those_in_an_url_are_sent_to_the_headers_and_not_repeated(self) -> None:
        ((_, what),) = faults({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://ada:hunter2@collector"})
        assert "OTEL_EXPORTER_OTLP_HEADERS" in what
        assert "hunter2" not in what

    def test_those_in_a_malformed_header_are_not_printed_by_the_sdk_either(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        ((_, what),) = faults({**COLLECTOR, "OTEL_EXPORTER_OTLP_HEADERS": "authorization Bearer hunter2"})
        assert "hunter2" not in what + caplog.text + "".join(capfd.readouterr())


class TestABatch:
    @pytest.mark.parametrize("kind", ["BSP", "BLRP"])
    @pytest.mark.parametrize(("name", "size"), [("MAX_QUEUE_SIZE", "511"), ("MAX_EXPORT_BATCH_SIZE", "2049")])
    def test_it_is_no_larger_than_its_queue(self, kind: str, name: str, size: str) -> None:
        ((named, what),) = faults({**COLLECTOR, f"OTEL_{kind}_{name}": size})
        assert named == f"OTEL_{kind}_MAX_EXPORT_BATCH_SIZE"
        assert f"OTEL_{kind}_MAX_QUEUE_SIZE" in what

    def test_it_may_be_as_large(self) -> None:
        assert not list(faults({**COLLECTOR, "OTEL_BSP_MAX_QUEUE_SIZE": "512"}))


class TestCertificates:
    def test_a_certificate_with_its_key_is_taken(self, tmp_path: Path) -> None:
        both = str(self_signed(tmp_path))
        names = ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY", "TRACES_CLIENT_KEY"]
        assert not list(faults({**COLLECTOR, **{f"OTEL_EXPORTER_OTLP_{name}": both for name in names}}))

    def test_a_folder_of_authorities_is_taken(self, tmp_path: Path) -> None:
        assert not list(faults({**COLLECTOR, "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path)}))

    def test_a_file_that_is_none_is_a_fault(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("hello")
        ((name, _),) = faults({**COLLECTOR, "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem")})
        assert name == "OTEL_EXPORTER_OTLP_CERTIFICATE"

    @pytest.mark.parametrize("password", [b"", b"hunter2"])
    def test_another_key_or_one_that_asks_for_a_password_is_a_fault(self, tmp_path: Path, password: bytes) -> None:
        """The SDK would ask on the terminal that a worker has not."""
        form = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        key = ec.generate_private_key(ec.SECP256R1())
        other = tmp_path / "other.pem"
        other.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, form))
        files = {"CLIENT_CERTIFICATE": str(self_signed(tmp_path)), "CLIENT_KEY": str(other)}
        ((name, _),) = faults({**COLLECTOR, **{f"OTEL_EXPORTER_OTLP_{each}": path for each, path in files.items()}})
        assert name == "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"
