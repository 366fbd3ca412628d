"""gunicorn's configuration: threads in one worker a pod by default, because the cluster scales pods."""

import gc
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

from chassis.draining import wrap_sigterm
from chassis.flush import flush
from chassis.logs import take_over
from chassis.telemetry import start
from config import settings


class SilentAccess(Logger):
    """gunicorn would make up a line of its access log for each request, which nobody writes: .06 ms of each."""

    access_log_enabled = False


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
# The master's. A worker's ends before it, so that there is time to send what telemetry holds.
graceful_timeout = settings.GRACEFUL_SECONDS + 5
# The control socket would be written to the home directory, which is read-only in the image.
control_socket_disable = True
# Heartbeats in memory: the image's own file system is read-only. Elsewhere than on Linux the default has to do.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# One line a request comes from chassis/logs.py, with route and trace; gunicorn's would carry query strings.
accesslog = None
logger_class = SilentAccess
logconfig_dict = settings.LOGGING
# Django alone reads X-Forwarded-Proto, where CAREWAY_BEHIND_TLS_PROXY says so. By default gunicorn also believes whoever
# comes from 127.0.0.1, which behind a sidecar is everybody: of the scheme, and of the path by a header SCRIPT_NAME.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
limit_request_line = 8190
limit_request_fields = 64
# A token with many groups is longer than gunicorn's own limit.
limit_request_field_size = 16_384 + 256


logger = logging.getLogger("careway.server")


def on_starting(server: Any) -> None:
    """From here on nothing is printed: what would be becomes a line of the log, in the workers too."""
    if not settings.HAS_DATABASE:
        sys.exit("DATABASE_URL is required: nothing but manage.py starts the embedded PostgreSQL.")
    take_over()


def when_ready(server: Any) -> None:
    """The master listens; its workers follow."""
    wrap_sigterm(server, settings.DRAIN_SECONDS)
    about = {"services": settings.SERVICES, "version": settings.VERSION, "workers": workers, "threads": threads}
    logger.info("serving", extra={**about, "addresses": [str(listener) for listener in server.LISTENERS]})


def on_exit(server: Any) -> None:
    """Every worker has ended."""
    logger.info("stopped")


def post_worker_init(worker: Any) -> None:
    """An unfit database ends the worker before it is counted as started, and gunicorn with it."""
    from django.core.checks import run_checks  # Django is set up by now, and never in the master
    from django.db import connections
    from gunicorn.arbiter import Arbiter

    found = run_checks(tags=["database"], databases=["default"])
    unfit = [message for message in found if message.is_serious()]
    # This thread serves nobody; its connection belongs to those that do.
    connections.close_all()
    for message in found:
        reason = {"reason": f"{message.msg} {message.hint or ''}"}
        if message in unfit:
            logger.critical("the database is unfit", extra=reason)
        else:
            logger.warning("the database needs a look", extra=reason)
    if unfit:
        # With any other status gunicorn would try again for ever.
        raise SystemExit(Arbiter.WORKER_BOOT_ERROR)
    if settings.TELEMETRY:
        from chassis import vitals

        vitals.start()


def post_fork(server: Any, worker: Any) -> None:
    """Telemetry starts in the worker: providers made before the fork lose metrics."""
    gc.disable()  # until all is loaded: see config/wsgi.py
    worker.cfg.set("graceful_timeout", settings.GRACEFUL_SECONDS)
    if settings.TELEMETRY:
        start()


def worker_exit(server: Any, worker: Any) -> None:
    """Here threads may still start; the SDK's own end, when the interpreter ends, takes up to half a minute."""
    if worker.pid != os.getpid():
        return  # the master calls this too, of a worker that it finds gone
    if worker.booted and worker.nr_conns:
        logger.warning("connections were cut off", extra={"connections": worker.nr_conns})
    if settings.TELEMETRY:
        flush()
    if worker.booted:
        # The interpreter's own end takes up to a second, and would wait for a thread that is still busy.
        ended = sys.exception()
        logging.shutdown()
        os._exit(ended.code & 0xFF if isinstance(ended, SystemExit) and isinstance(ended.code, int) else 1)
