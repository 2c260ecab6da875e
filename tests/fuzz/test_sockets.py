"""Arbitrary bytes on connections to a running server: others are served, and it stays up.

Damaged HTTP and damaged WebSocket frames, in pieces, with and without an end. What comes back is
an HTTP answer that is no failure of the server, or a closed connection.
"""

from __future__ import annotations

import base64
import struct
from random import Random

from tests.e2e.marked import MARK
from tests.e2e.wire import Stream
from tests.fuzz.mutations import damaged_bytes
from tests.fuzz.server import Fuzzed
from tests.fuzz.sizes import seeds

_SECRETS = "/api/v1/namespaces/fuzz/secrets"
_BODY = b'{"kind":"Secret","apiVersion":"v1","metadata":{"name":"b"},"stringData":{"a":"%s"}}' % (
    MARK.encode()
)
REQUESTS = (
    f"GET {_SECRETS}?limit=1 HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n".encode(),
    f"POST {_SECRETS}?dryRun=All HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
    + b"Content-Length: %d\r\n\r\n" % len(_BODY)
    + _BODY,
    f"POST {_SECRETS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    + b"5\r\nabcde\r\n1f;x=y\r\n"
    + b"x" * 31
    + b"\r\n0\r\nTrailer: y\r\n\r\n",
    b"PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n" * 5,
)
UPGRADE = (
    f"GET {_SECRETS}?watch=1&timeoutSeconds=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    + base64.b64encode(b"k" * 16).decode()
    + "\r\n\r\n"
).encode()


def frame(opcode: int, content: bytes, *, final: bool = True) -> bytes:
    """A WebSocket frame as a client sends it, masked by zeros."""
    size = len(content)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return bytes([opcode | (0x80 if final else 0)]) + length + b"\0\0\0\0" + content


def talk(server: Fuzzed, random: Random, content: bytes) -> bytes:
    """Send bytes in pieces, end, and read what comes, for a short while."""
    received = b""
    try:
        with server.wire.open() as stream:
            stream.socket.settimeout(0.3)
            _send(stream, random, content)
            while chunk := stream.socket.recv(65536):
                received += chunk
    except OSError:
        # Silence, or a connection that was cut: both are fair.
        return received
    return received


def _send(stream: Stream, random: Random, content: bytes) -> None:
    while content:
        size = random.choice((1, 7, 100, 10_000))
        stream.write(content[:size])
        content = content[size:]


def check(received: bytes, random: Random) -> None:
    """The first answer, if there is one, is no failure of the server."""
    if received:
        assert received.startswith(b"HTTP/1."), random
        assert received.split(b" ", 2)[1][:1] in (b"1", b"2", b"4"), (random, received[:300])


def test_damaged_requests(served: Fuzzed) -> None:
    for random in seeds(25):
        content = damaged_bytes(random, random.choice(REQUESTS))
        check(talk(served, random, content), random)
    served.still_serves()


def test_damaged_websockets(served: Fuzzed) -> None:
    for random in seeds(10):
        frames = (
            frame(9, b"ping"),
            frame(8, struct.pack(">H", random.randrange(65536)) + b"bye"),
            frame(1, b"x" * 200, final=False),
            frame(2, b"\x00"),
            frame(random.randrange(16), b"y"),
        )
        talked = b"".join(damaged_bytes(random, random.choice(frames)) for _ in range(3))
        check(talk(served, random, UPGRADE + talked), random)
    served.still_serves()
