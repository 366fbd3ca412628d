"""`manage.py run`: the product on this machine, for development: database, migrations, demo data, the production server."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connections
from django.urls import URLPattern, get_resolver
from django.utils.module_loading import import_string


class Command(BaseCommand):
    """Serves until Ctrl-C or SIGTERM, and stops everything it started."""

    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--without-demo", action="store_true", help="start with empty tables")

    def handle(self, *args: Any, without_demo: bool, **options: Any) -> None:
        _refuse_busy(settings.PORT)
        call_command("migrate", verbosity=0)
        if not without_demo:
            for service in settings.SERVICES:
                self.stdout.write(f"Demo data of {service}: {import_string(f'{service}.demo.seed')()}")
        # The server's workers open connections of their own; ours would only be one more.
        connections.close_all()
        self._say_where()
        server = subprocess.Popen([sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py"])
        # Ctrl-C reaches the whole process group, so the server is stopping already; SIGTERM reaches us alone: pass it on.
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        if status := server.wait():
            raise CommandError(f"The server ended with status {status}.")

    def _say_where(self) -> None:
        address = f"http://127.0.0.1:{settings.PORT}"
        service = settings.SERVICES[0]
        lines = [
            f"\nCareway serves on {address}",
            *(f"  {name}: {address}/{name}/v1/docs" for name in settings.SERVICES),
            "In another terminal:",
            "  export TOKEN=$(make -s token)",
            f'  curl -s -H "Authorization: Bearer $TOKEN" "{address}/{service}/v1/{_first_list(service)}?limit=2"',
            "Ctrl-C stops the server and the database.\n",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _first_list(service: str) -> str:
    """The first list of a service that stands below no record."""
    patterns = [each for each in get_resolver(f"{service}.urls").url_patterns if isinstance(each, URLPattern)]
    lists = [str(each.pattern) for each in patterns if getattr(each.callback, "actions", {}).get("get") == "list"]
    return next(route for route in lists if "<" not in route)


def _refuse_busy(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"Port {port} is in use. Stop what uses it, or choose another: make run PORT={port % 65_535 + 1}"
            ) from None
