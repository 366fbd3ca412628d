"""gunicorn's configuration: threads in one worker a pod by default, because the cluster scales pods."""

import socket
from pathlib import Path
from typing import Any

from chassis.telemetry import start
from config import settings

wsgi_app = "config.wsgi"
# [::] takes IPv4 too: in an IPv6 cluster a pod has no other address. A kernel without IPv6 has no [::].
_everywhere = "[::]" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104  (a pod is asked by its own address)
bind = f"{'127.0.0.1' if settings.DEVELOPMENT else _everywhere}:{settings.PORT}"
worker_class = "chassis.worker.Worker"
workers = settings.WORKERS
threads = settings.THREADS
# Bounds what waits inside a worker, and keeps kept-alive connections even between workers.
worker_connections = 100
keepalive = 30
timeout = 60
graceful_timeout = 30
# The control socket would be written to the home directory, which is read-only in the image.
control_socket_disable = True
# Heartbeats in memory: the image's own file system is read-only. Elsewhere than on Linux the default has to do.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# One line a request comes from chassis/logs.py, with route and trace; gunicorn's would carry query strings.
accesslog = None
logconfig_dict = settings.LOGGING
limit_request_line = 8190
limit_request_fields = 64
# A token with many groups is longer than gunicorn's own limit.
limit_request_field_size = 16_384 + 256


def post_worker_init(worker: Any) -> None:
    """An unfit database ends the worker before it is counted as started, and gunicorn with it."""
    from django.core.checks import run_checks  # Django is set up by now, and never in the master
    from django.db import connections

    unfit = run_checks(tags=["database"], databases=["default"])
    # This thread serves nobody; its connection belongs to those that do.
    connections.close_all()
    if unfit:
        raise SystemExit("\n".join(f"{message.msg} {message.hint or ''}" for message in unfit))


def post_fork(server: Any, worker: Any) -> None:
    """Telemetry starts in the worker: providers made before the fork lose metrics."""
    if settings.TELEMETRY:
        start()
