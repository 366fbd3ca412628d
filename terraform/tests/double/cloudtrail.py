"""CloudTrail. The provider names a trail by its ARN; moto deletes by name alone, and says that nothing went wrong."""

from __future__ import annotations

from moto.cloudtrail.models import CloudTrailBackend

from .seams import Method, around


@around(CloudTrailBackend, "delete_trail")
def delete_trail(original: Method, backend: CloudTrailBackend, name: str) -> None:
    original(backend, name.rpartition("/")[2])
