"""The two services as a platform runs them: a process and a database each, telling the stack what they do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings

from observability.stack import Stack
from tests.servers import Server, make_database


class Release(NamedTuple):
    """Where a service is installed, as the chart tells its processes and its rules."""

    service: str
    namespace: str

    @property
    def name(self) -> str:
        return f"careway-{self.service}"

    @property
    def attributes(self) -> str:
        """Of the resource: the release has the service's own name."""
        return f"k8s.namespace.name={self.namespace},k8s.deployment.name={self.service}"

    @property
    def series(self) -> str:
        """What chooses its series in Prometheus."""
        return f'k8s_namespace_name="{self.namespace}",k8s_deployment_name="{self.service}"'

    @property
    def stream(self) -> str:
        """What chooses its lines in Loki."""
        return f'{{service_name="{self.name}",k8s_namespace_name="{self.namespace}"}}'


RELEASES = {
    "genomics": Release("genomics", "analyses"),
    "clinical": Release("clinical", "consultations"),
}
# Sums over the worker processes have something to add up, where one service has several.
WORKERS = {"genomics": 2, "clinical": 1}
# When the certificate of the authority ends that they trust for their databases.
ENDS = datetime(2039, 1, 2, 3, 4, 5, tzinfo=UTC)


def exporting(stack: Stack, attributes: str) -> dict[str, str]:
    """What a process is told, so that it tells the collector all, and soon."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": stack.url("collector"),
        "OTEL_RESOURCE_ATTRIBUTES": attributes,
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
        # The collector chooses among whole traces.
        "OTEL_TRACES_SAMPLER": "always_on",
        "OTEL_LOGS_EXPORTER": "otlp",
        "CAREWAY_LOG_LEVEL": "INFO",
    }


def server_of(service: str, stack: Stack, output: Path, **variables: str) -> Server:
    """A process of one service with a new database of its own; `output` is a folder for what it prints."""
    environment = {
        **exporting(stack, RELEASES[service].attributes),
        "CAREWAY_SERVICES": service,
        "CAREWAY_WORKERS": str(WORKERS[service]),
        **variables,
    }
    database = make_database(f"careway_telemetry_{service}", services=service)
    # Nothing is verified with it on a Unix socket; but it is what a release's certificate ends with.
    trusted = f"{database}{'&' if '?' in database else '?'}sslrootcert={authority(output / 'ca.pem')}"
    return Server(trusted, environment, service=service, output=output)


def authority(path: Path) -> Path:
    """The certificate of an authority that ends at a known time."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "telemetry")]),
    )
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(ENDS - timedelta(days=3650)).not_valid_after(ENDS)
    path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def asking(genomics: Server) -> dict[str, str]:
    """What clinical is told of whom it asks."""
    return {
        "CAREWAY_GENOMICS_URL": genomics.url,
        # Which every process of clinical keeps valid in development.
        "CAREWAY_GENOMICS_TOKEN_FILE": str(settings.STATE / "clinical-token"),
    }
