"""An OpenAPI v3 document as gnostic's message."""

from __future__ import annotations

import struct as binary
from typing import Any

from strongroom.api.openapi_message import (
    Message,
    Tree,
    anything,
    bounds,
    chosen,
    entries,
    flag,
    listed,
    many,
    message,
    one,
    schema_or_flag,
    text,
    texts,
    wrapped,
)
from strongroom.api.protobuf.wire import framed

MEDIA_TYPES = (
    "application/com.github.proto-openapi.spec.v3.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v3@v1.0+protobuf",
)
"""Names under which the form is asked for; answers bear the first."""


def encode_v3(document: Tree) -> bytes:
    """The message of a document."""
    return _DOCUMENT(document)


_REFERENCE = message(_ref=text(1), summary=text(2), description=text(3))


def _or_reference(content: Message) -> Message:
    return chosen(lambda tree: 2 if "$ref" in tree else 1, {1: content, 2: _REFERENCE})


def _schema(tree: Any) -> bytes:
    return _SCHEMA_OR_REFERENCE(tree)


def _default(value: Any) -> bytes:
    """A scalar; the message has no room for an object, and holds nothing then."""
    if isinstance(value, bool):
        return b"\x10" + (b"\x01" if value else b"\x00")
    if isinstance(value, int | float):
        return b"\x09" + binary.pack("<d", value)
    return framed(b"\x1a", value.encode()) if isinstance(value, str) else b""


def _only_schema(tree: Any) -> bytes:
    return _SCHEMA(tree)


_SCHEMA = message(
    36,
    nullable=flag(1),
    readOnly=flag(3),
    writeOnly=flag(4),
    example=anything(7),
    deprecated=flag(8),
    title=text(9),
    **bounds(10),
    type=text(25),
    allOf=many(26, _schema),
    oneOf=many(27, _schema),
    anyOf=many(28, _schema),
    not_=one(29, _only_schema),
    items=one(30, wrapped(1, _schema)),
    properties=one(31, entries(_schema)),
    additionalProperties=one(32, schema_or_flag(_schema)),
    default=one(33, _default),
    description=text(34),
    format=text(35),
)
_SCHEMA_OR_REFERENCE = _or_reference(_SCHEMA)

_MEDIA_TYPES_OF = entries(message(5, schema=one(1, _schema), example=anything(2)))
_PARAMETER = message(
    14,
    name=text(1),
    in_=text(2),
    description=text(3),
    required=flag(4),
    deprecated=flag(5),
    schema=one(10, _schema),
)
_BODY = message(4, description=text(1), content=one(2, _MEDIA_TYPES_OF), required=flag(3))
_RESPONSE = message(5, description=text(1), content=one(3, _MEDIA_TYPES_OF))
_SECURITY = entries(listed)
_OPERATION = message(
    13,
    tags=texts(1),
    summary=text(2),
    description=text(3),
    operationId=text(5),
    parameters=many(6, _or_reference(_PARAMETER)),
    requestBody=one(7, _or_reference(_BODY)),
    responses=one(8, entries(_or_reference(_RESPONSE), number=2, extensions=3)),
    deprecated=flag(10),
    security=many(11, _SECURITY),
)
_PATH = message(
    14,
    _ref=text(1),
    summary=text(2),
    description=text(3),
    get=one(4, _OPERATION),
    put=one(5, _OPERATION),
    post=one(6, _OPERATION),
    delete=one(7, _OPERATION),
    options=one(8, _OPERATION),
    head=one(9, _OPERATION),
    patch=one(10, _OPERATION),
    parameters=many(13, _or_reference(_PARAMETER)),
)
_SCHEME = message(9, type=text(1), description=text(2), name=text(3), in_=text(4))
_COMPONENTS = message(
    10,
    schemas=one(1, entries(_schema)),
    securitySchemes=one(7, entries(_or_reference(_SCHEME))),
)

_DOCUMENT = message(
    9,
    openapi=text(1),
    info=one(2, message(7, title=text(1), description=text(2), version=text(6))),
    paths=one(4, entries(_PATH, extensions=2)),
    components=one(5, _COMPONENTS),
    security=many(6, _SECURITY),
)
