"""What stands around an object's message: ``k8s``, a zero byte, and ``runtime.Unknown``.

The envelope tells kind and version, which an object's own message has no room for. Events of a
watch are messages without an envelope, each behind its length; the object in one has its own.
(``k8s.io/apimachinery/pkg/runtime/serializer/protobuf``)
"""

from __future__ import annotations

from strongroom.api.meta import ListMeta
from strongroom.api.protobuf.encoding import encode_message
from strongroom.api.protobuf.wire import framed, read_varint, short_varint
from strongroom.api.schema import Struct

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
PREFIX = b"k8s\x00"

_FIRST, _SECOND = b"\x0a", b"\x12"
_NO_CONTENT_TYPE = b"\x1a\x00\x22\x00"  # nor an encoding


def encode_protobuf(obj: Struct, *, api_version: str, kind: str) -> bytes:
    """An object with its envelope."""
    return enveloped(api_version, kind, item(encode_message(obj)))


def item(message: bytes) -> bytes:
    """A message as field 2: what both a list and an envelope hold their content in."""
    return framed(_SECOND, message)


def first_field(content: bytes) -> bytes:
    """An :func:`item` that holds only the first field of another: of objects, the metadata."""
    _, start = read_varint(content, 1, len(content))
    size, at = read_varint(content, start + 1, len(content))
    return item(content[start : at + size])


def enveloped(api_version: str, kind: str, content: bytes) -> bytes:
    """The envelope around an :func:`item`."""
    return b"".join((PREFIX, _told(api_version, kind), content, _NO_CONTENT_TYPE))


def enveloped_list(api_version: str, kind: str, meta: ListMeta, items: list[bytes]) -> bytes:
    """A list with its envelope; ``items`` are objects as :func:`item` makes them."""
    metadata = framed(_FIRST, encode_message(meta))
    size = short_varint(len(metadata) + sum(map(len, items)))
    # Joined in one go: a list may have many megabytes, which are copied once only.
    start = (PREFIX, _told(api_version, kind), _SECOND, size, metadata)
    return b"".join((*start, *items, _NO_CONTENT_TYPE))


def _told(api_version: str, kind: str) -> bytes:
    return framed(_FIRST, framed(_FIRST, api_version.encode()) + framed(_SECOND, kind.encode()))


def event_frame(event_type: str, body: bytes) -> bytes:
    """An event of a watch; ``body`` is the object with its envelope."""
    event = framed(_FIRST, event_type.encode()) + framed(_SECOND, framed(_FIRST, body))
    return len(event).to_bytes(4, "big") + event
