"""Sends a VCF file as slowly as it is told, by chunks, while it makes it; prints the answer. Python's own library alone.

Stdin is JSON: `url`, `headers`, `lines`, and `pause`, seconds between two chunks of a thousand lines.
"""

import http.client
import json
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

CHUNK = 1000
HEADER = """##fileformat=VCFv4.3
##contig=<ID=chr3,length=198295559>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tCHILD
"""


def chunks(lines: int, pause: float) -> Iterator[bytes]:
    yield HEADER.encode()
    for first in range(0, lines, CHUNK):
        made = (f"chr3\t{1000 + number}\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\n" for number in range(first, first + CHUNK))
        yield "".join(made).encode()
        time.sleep(pause)


def sent(asked: dict[str, Any]) -> dict[str, Any]:
    address = urlsplit(asked["url"])
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    try:
        body = chunks(asked["lines"], asked["pause"])
        connection.request("PUT", address.path, body, asked["headers"], encode_chunked=True)
        answer = connection.getresponse()
        return {"status": answer.status, "body": answer.read().decode()}
    except (OSError, http.client.HTTPException) as error:
        return {"status": 0, "body": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    json.dump(sent(json.load(sys.stdin)), sys.stdout)
