"""`manage.py check_openapi`: each service's OpenAPI document, made without a warning and valid against OpenAPI 3.1."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from drf_spectacular.validation import validate_schema

from chassis.documents import generate


class Command(BaseCommand):
    """What `manage.py spectacular --validate --fail-on-warn` does, for each service's own document."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        for service in settings.SERVICES:
            warnings = io.StringIO()
            with contextlib.redirect_stderr(warnings):
                document = generate(service)
                validate_schema(document)
            if warnings.getvalue():
                raise CommandError(f"{service}:\n{warnings.getvalue()}")
            self.stdout.write(f"{service}: {len(document['paths'])} paths, OpenAPI {document['openapi']}, no warning")
