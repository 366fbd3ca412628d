"""Telemetry starts by the standard OTEL_* variables alone."""

from __future__ import annotations

import os
import subprocess
import sys

from chassis.telemetry import variables

SCRIPT = """
from chassis.telemetry import start
start()
from opentelemetry import trace
with trace.get_tracer("test").start_as_current_span("a span of the test"):
    pass
trace.get_tracer_provider().force_flush()
"""


def run(**variables: str) -> str:
    environment = {**os.environ, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", **variables}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_it_exports_as_the_variables_say() -> None:
    output = run(OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="example")
    assert '"name": "a span of the test"' in output
    assert '"service.name": "example"' in output


def test_it_exports_nothing_when_told_so() -> None:
    assert run(OTEL_TRACES_EXPORTER="none") == ""


class TestVariables:
    def test_what_nobody_set_has_a_default(self) -> None:
        found = variables({"HOME": "/"}, service="careway-example", version="1.2+a,b")
        assert found["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"
        assert found["OTEL_SEMCONV_STABILITY_OPT_IN"] == "http,database"
        assert found["OTEL_LOGS_EXPORTER"] == "none"
        assert found["OTEL_RESOURCE_ATTRIBUTES"] == "service.name=careway-example,service.version=1.2%2Ba%2Cb"
        assert "HOME" not in found

    def test_what_somebody_set_stays(self) -> None:
        given = {"OTEL_LOGS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TIMEOUT": "7", "OTEL_SERVICE_NAME": "mine"}
        found = variables(given, service="careway", version="1")
        assert given.items() <= found.items()
        assert "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION" not in found

    def test_an_empty_one_counts_as_unset(self) -> None:
        assert variables({"OTEL_LOGS_EXPORTER": ""}, service="a", version="1")["OTEL_LOGS_EXPORTER"] == "none"

    def test_the_resource_s_own_attributes_come_last_and_win(self) -> None:
        given = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=mine,k8s.pod.name=p"}
        found = variables(given, service="careway", version="1")
        output = run(OTEL_TRACES_EXPORTER="console", OTEL_RESOURCE_ATTRIBUTES=found["OTEL_RESOURCE_ATTRIBUTES"])
        assert '"service.name": "mine"' in output
        assert '"service.version": "1"' in output
        assert '"k8s.pod.name": "p"' in output
        assert "service.instance.id" not in found["OTEL_RESOURCE_ATTRIBUTES"]

    def test_an_instance_that_the_platform_names_gives_way_to_each_worker_s_own(self) -> None:
        """The OpenTelemetry Operator names one for the whole pod."""
        given = {"OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=p, service.instance.id=ns.p.c,k8s.node.name=n"}
        found = variables(given, service="careway", version="1")["OTEL_RESOURCE_ATTRIBUTES"]
        assert found == "service.name=careway,service.version=1,k8s.pod.name=p,k8s.node.name=n"
