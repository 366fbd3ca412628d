"""Who is measured: the floor, what people use, and Careway with production's features off and on."""

from __future__ import annotations

import sys

from bench.serving import Stack

# Threads of a worker, and connections to the database: the same for everybody.
THREADS = 4
NAMES = ("floor", "careway-bare", "careway", "drf", "ninja", "fastapi")


def contenders(collector: str, token: str) -> list[Stack]:
    """All of them, the floor first. `collector` takes Careway's telemetry, `token` is of a caller of the bench's data."""
    found = [*ours(collector, token), *others()]
    return sorted(found, key=lambda stack: NAMES.index(stack.name))


def others() -> list[Stack]:
    """Other people's ways, each in one file of bench/stacks."""
    return [
        Stack("floor", gunicorn("bench.stacks.floor"), checks=False),
        Stack("drf", gunicorn("bench.stacks.drf"), paging="page"),
        Stack("ninja", gunicorn("bench.stacks.ninja")),
        Stack("fastapi", uvicorn("bench.stacks.fastapi_asyncpg:app")),
    ]


def ours(collector: str, token: str) -> list[Stack]:
    """With production's features off, and on: signed tokens, telemetry of a tenth of all requests, a log line each."""
    common = {"CAREWAY_WORKERS": "1", "CAREWAY_THREADS": str(THREADS), "CAREWAY_SERVICES": "genomics"}
    bare = {**common, "CAREWAY_LOG_LEVEL": "WARNING", "DJANGO_SETTINGS_MODULE": "bench.stacks.careway_bare"}
    full = {
        **common,
        "CAREWAY_LOG_LEVEL": "INFO",
        # The load is one caller, whose share of the threads would otherwise be what is measured.
        "CAREWAY_REQUESTS_PER_SUBJECT": "64",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.1",
    }
    careway = [*PYTHON, "gunicorn", "--config", "config/gunicorn.py", "--bind", "127.0.0.1:PORT"]
    return [
        Stack("careway-bare", careway, bare, paging="cursor"),
        Stack("careway", careway, full, {"Authorization": f"Bearer {token}"}, paging="cursor"),
    ]


PYTHON = [sys.executable, "-m"]


def gunicorn(module: str) -> list[str]:
    """One worker with threads, as Careway's own, without its settings."""
    options = ["--workers", "1", "--worker-class", "gthread", "--threads", str(THREADS), "--keep-alive", "30"]
    options += ["--log-level", "error", "--no-control-socket", "--bind", "127.0.0.1:PORT"]
    return [*PYTHON, "gunicorn", *options, f"{module}:application"]


def uvicorn(application: str) -> list[str]:
    """With uvloop and httptools, which it takes where they are installed."""
    return [*PYTHON, "uvicorn", "--port", "PORT", "--log-level", "error", "--no-access-log", application]
