"""Lets in whoever connects to the ports of its arguments, and says nothing. Python's own library alone."""

import socket
import sys
import threading


def answer(port: int) -> None:
    with socket.create_server(("", port), backlog=128) as server:
        while True:
            server.accept()[0].close()


if __name__ == "__main__":
    for each in sys.argv[1:]:
        threading.Thread(target=answer, args=(int(each),)).start()
