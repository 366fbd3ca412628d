"""gunicorn's configuration: threads in one worker a pod by default, because the cluster scales pods."""

from typing import Any

from chassis.telemetry import start
from config import settings

wsgi_app = "config.wsgi"
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
worker_tmp_dir = "/dev/shm"  # noqa: S108  (memory; the image's own file system is read-only)
# One line a request comes from chassis/logs.py, with route and trace; gunicorn's would carry query strings.
accesslog = None
limit_request_line = 8190
limit_request_fields = 64
# A token with many groups is longer than gunicorn's own limit.
limit_request_field_size = 16_384 + 256


def post_fork(server: Any, worker: Any) -> None:
    """Telemetry starts in the worker: providers made before the fork lose metrics."""
    if settings.TELEMETRY:
        start()
