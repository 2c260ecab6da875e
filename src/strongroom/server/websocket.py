"""A watch over a WebSocket (RFC 6455), for clients that cannot read a stream: browsers above all.

One event is one message: text for JSON, binary for protobuf. Nothing is expected from the client
but the protocol's own frames. Source: ``k8s.io/apiserver/pkg/endpoints/handlers/watch.go``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator

from strongroom.api.errors import bad_request
from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF
from strongroom.server.negotiation import JSON

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TOKEN = "base64url.bearer.authorization.k8s.io."  # noqa: S105 - the name of a subprotocol

MAX_EARLY = 64 * 1024
"""Bytes that a client may send before its WebSocket is accepted."""


def wants_websocket(method: str, headers: dict[str, str]) -> bool:
    """Whether a request asks to go on as a WebSocket."""
    connection = (token.strip().lower() for token in headers.get("connection", "").split(","))
    websocket = headers.get("upgrade", "").strip().lower() == "websocket"
    return method == "GET" and websocket and "upgrade" in connection


def handshake(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers that accept a WebSocket. Raises StatusError 400 for a bad request of one."""
    if headers.get("sec-websocket-version", "").strip() != "13":
        raise bad_request("bad WebSocket version: expected 13")
    key = headers.get("sec-websocket-key", "").strip()
    if not _is_key(key):
        raise bad_request("bad WebSocket key")
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    accepted = [
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-accept", base64.b64encode(digest)),
    ]
    if chosen := _subprotocol(headers.get("sec-websocket-protocol", "")):
        accepted.append((b"sec-websocket-protocol", chosen.encode()))
    return accepted


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _subprotocol(offered: str) -> str:
    """The one that is offered, if any; what carries a token is none. Raises StatusError 400."""
    names = [name.strip() for name in offered.split(",") if name.strip()]
    names = [name for name in names if not name.startswith(_TOKEN)]
    if len(names) > 1 or not all(name.isascii() and name.isprintable() for name in names):
        raise bad_request("bad WebSocket subprotocol: a watch takes one at most")
    return names[0] if names else ""


def messages(chunk: bytes, content_type: str) -> Iterator[bytes]:
    """The events in a piece of a stream, each as it is sent alone."""
    if content_type.startswith(JSON):
        yield from chunk.splitlines(keepends=True)
        return
    if not content_type.startswith(PROTOBUF):
        yield chunk  # a log: bytes without borders
        return
    at = 0
    while at < len(chunk):
        # In a stream each event follows its length.
        end = at + 4 + int.from_bytes(chunk[at : at + 4])
        yield chunk[at + 4 : end]
        at = end
