"""The OpenAPI v2 document as gnostic's message, which kubectl before 1.35 and client-go ask for."""

from __future__ import annotations

from typing import Any

from strongroom.api.openapi_message import (
    Tree,
    anything,
    anythings,
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
    whole,
    wrapped,
)

MEDIA_TYPES = (
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
)
"""Names under which the form is asked for; answers bear the first."""


def encode_v2(document: Tree) -> bytes:
    """The message of a document."""
    return _DOCUMENT(document)


def _schema(tree: Any) -> bytes:
    return _SCHEMA(tree)


def _types(value: str | list[str]) -> bytes:
    return listed([value] if isinstance(value, str) else value)


_SCHEMA = message(
    31,
    _ref=text(1),
    format=text(2),
    title=text(3),
    description=text(4),
    default=anything(5),
    **bounds(6),
    additionalProperties=one(21, schema_or_flag(_schema)),
    type=one(22, _types),
    items=one(23, wrapped(1, _schema)),
    allOf=many(24, _schema),
    properties=one(25, entries(_schema)),
    discriminator=text(26),
    readOnly=flag(27),
    example=anything(30),
)

_BODY = message(
    6, description=text(1), name=text(2), in_=text(3), required=flag(4), schema=one(5, _schema)
)
_QUERY = message(
    23,
    required=flag(1),
    in_=text(2),
    description=text(3),
    name=text(4),
    type=text(6),
    format=text(7),
    default=anything(10),
    maxLength=whole(15),
    minLength=whole(16),
    pattern=text(17),
    uniqueItems=flag(20),
    enum=anythings(21),
)
_HEADER_OR_PATH = message(
    22,
    required=flag(1),
    in_=text(2),
    description=text(3),
    name=text(4),
    type=text(5),
    format=text(6),
    default=anything(9),
    maxLength=whole(14),
    minLength=whole(15),
    pattern=text(16),
    uniqueItems=flag(19),
    enum=anythings(20),
)
_PLACES = {"header": 1, "formData": 2, "query": 3, "path": 4}
_NON_BODY = chosen(
    lambda tree: _PLACES[tree["in"]],
    {1: _HEADER_OR_PATH, 2: _QUERY, 3: _QUERY, 4: _HEADER_OR_PATH},
)
_PARAMETER = chosen(lambda tree: 1 if tree["in"] == "body" else 2, {1: _BODY, 2: _NON_BODY})
_PARAMETERS_ITEM = chosen(
    lambda tree: 2 if "$ref" in tree else 1, {1: _PARAMETER, 2: message(_ref=text(1))}
)

_RESPONSE = message(5, description=text(1), schema=one(2, wrapped(1, _schema)))
_SECURITY = entries(listed)
_OPERATION = message(
    13,
    tags=texts(1),
    summary=text(2),
    description=text(3),
    operationId=text(5),
    produces=texts(6),
    consumes=texts(7),
    parameters=many(8, _PARAMETERS_ITEM),
    responses=one(9, entries(wrapped(1, _RESPONSE), extensions=2)),
    schemes=texts(10),
    deprecated=flag(11),
    security=many(12, _SECURITY),
)
_PATH = message(
    10,
    _ref=text(1),
    get=one(2, _OPERATION),
    put=one(3, _OPERATION),
    post=one(4, _OPERATION),
    delete=one(5, _OPERATION),
    options=one(6, _OPERATION),
    head=one(7, _OPERATION),
    patch=one(8, _OPERATION),
    parameters=many(9, _PARAMETERS_ITEM),
)
_API_KEY = message(5, type=text(1), name=text(2), in_=text(3), description=text(4))

_DOCUMENT = message(
    16,
    swagger=text(1),
    info=one(2, message(7, title=text(1), version=text(2), description=text(3))),
    consumes=texts(6),
    produces=texts(7),
    paths=one(8, entries(_PATH, number=2, extensions=1)),
    definitions=one(9, entries(_schema)),
    security=many(12, _SECURITY),
    securityDefinitions=one(13, entries(wrapped(2, _API_KEY))),
)
