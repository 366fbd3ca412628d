"""Collectors that are of no use: each refuses, fails or wastes time in a way of its own."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.collector import Collector

ANSWER = b"HTTP/1.1 %s\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def read_request(connection: socket.socket) -> None:
    """To the end of the body: who answers earlier and closes, resets the sender."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length"))
    while len(body) < length:
        body += _received(connection)


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise ConnectionError
    return data


def black_hole(connection: socket.socket, over: threading.Event) -> None:
    """Takes everything and never answers."""
    connection.settimeout(None)
    while not over.is_set():
        _received(connection)


def failing(status: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def answer(connection: socket.socket, _: threading.Event) -> None:
        read_request(connection)
        connection.sendall(ANSWER % status)

    return answer


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """An answer of which a byte comes every half second: no time-out between two bytes ever ends it."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.5):
        connection.sendall(b"x")


@contextmanager
def serving(
    handle: Callable[[socket.socket, threading.Event], None], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Accepts on a port of its own until the end; the URL of it."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def one(connection: socket.socket) -> None:
        with suppress(OSError), tls.wrap_socket(connection, server_side=True) if tls else connection as ready:
            handle(ready, over)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@contextmanager
def refusing() -> Iterator[str]:
    """A port that nobody listens on, and nobody else gets meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@contextmanager
def unreachable() -> Iterator[str]:
    """A full queue of connections: like a firewall that drops packets, no connection ever comes about."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def untrusted() -> Iterator[str]:
    """TLS with a certificate that nobody vouches for."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        tls.load_cert_chain(self_signed(Path(folder)))
    with serving(failing(b"200 OK"), tls) as url:
        yield url


def self_signed(folder: Path) -> Path:
    """A file with a certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "collector")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    form = serialization.Encoding.PEM
    hidden = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    both = folder / "collector.pem"
    both.write_bytes(hidden + builder.sign(key, hashes.SHA256()).public_bytes(form))
    return both


@contextmanager
def healthy() -> Iterator[str]:
    with Collector() as collector:
        yield collector.environment["OTEL_EXPORTER_OTLP_ENDPOINT"]


@contextmanager
def unknown() -> Iterator[str]:
    """A name that resolves to nothing: .invalid never does (RFC 6761)."""
    yield "http://collector.invalid:4318"


KINDS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "healthy": healthy,
    "refusing": refusing,
    "black-holed": lambda: serving(black_hole),
    "answering 500": lambda: serving(failing(b"500 Internal Server Error")),
    "answering 503": lambda: serving(failing(b"503 Service Unavailable")),
    "slowly dripping": lambda: serving(dripping),
    "unreachable": unreachable,
    "of unknown name": unknown,
    "of untrusted certificate": untrusted,
}
