"""`python -m terraform.tests.double PORT`: serves until it is ended.

`/fork?PORT` serves all that there is at that moment on another port too, from a process of its own, and answers with its
id: what is changed there by hand is changed nowhere else, and has not to be put back.
"""

from __future__ import annotations

import importlib
import logging
import os
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from terraform.tests import double

# Answers, of the newest requests.
KEPT = 500
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def wrap() -> None:
    """Every file beside this one, whose import wraps its service."""
    for module in pkgutil.iter_modules(double.__path__, f"{double.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def forking(application: Application) -> Application:
    def serve_or_fork(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/fork":
            return application(environ, start_response)
        child = os.fork()
        if not child:
            # The parent's sockets are the parent's.
            os.closerange(3, 1024)
            serve(int(environ["QUERY_STRING"]), application)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(child).encode()]

    return serve_or_fork


def answering_again(application: Application) -> Application:
    """What is sent again because its answer was lost is answered as before, and not done twice.

    AWS does so by tokens, which moto forgets; the invocation's id, which SDKs send, does for every operation.
    """
    answers: dict[str, tuple[str, list[tuple[str, str]], bytes]] = {}
    lock = threading.Lock()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        name = environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")
        head: list[Any] = []
        if answered := answers.get(name):
            status, headers, body = answered
            print(f"Answered again: {status} {environ['PATH_INFO']}", flush=True)
            start_response(status, headers)
            return [body]

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            head.extend([status, headers])
            return start_response(status, headers, *more)

        body = b"".join(application(environ, start))
        if name and head[0].startswith("2"):
            with lock:
                answers[name] = (head[0], head[1], body)
                if len(answers) > KEPT:
                    del answers[next(iter(answers))]
        return [body]

    return answer


def serve(port: int, application: Application) -> None:
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)
    server.serve_forever()
    os._exit(0)


if __name__ == "__main__":
    # The policies of AWS that roles are given by ARN.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    wrap()
    serve(int(sys.argv[1]), forking(answering_again(DomainDispatcherApplication(create_backend_app))))
