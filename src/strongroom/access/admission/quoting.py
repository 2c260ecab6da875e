"""What webhooks and policies say for the audit log, without the values that they quote.

They see whole objects, and their words are their authors'. A message made of an object's value
would put it on record, so values of marked fields are taken out of what they say. Found are whole
values, as text or in base64, of four bytes or more; what is cut up or reckoned from them is not.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cache
from typing import Any

from strongroom.access.admission.port import AdmissionRequest
from strongroom.api.custom import CustomObject
from strongroom.api.findings import REDACTED
from strongroom.api.schema import Struct, schema_of
from strongroom.api.structural import Structural

LEAST = 4
"""Bytes of the shortest value that is looked for: shorter ones stand in any text by chance."""

_PASSWORD = "password"  # noqa: S105 - the name of a format


_OURS = frozenset(
    {
        "audit.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "chain.strongroom.io",
        "secrets.strongroom.io",
    }
)
"""Whose annotations say what the server knows: alerts, queries and the chain's proof go by them."""


def annotate(request: AdmissionRequest, author: str, key: str, text: str) -> None:
    """Add what a webhook or policy says, below its name, unless it bears a name of the server's."""
    if author not in _OURS:
        request.annotate(f"{author}/{key}", text)


def unquoted(text: str, request: AdmissionRequest) -> str:
    """The text without confidential values of the request's object, and of the one before it."""
    found = {*values_of(request.obj), *values_of(request.old)}
    for value in sorted(found, key=len, reverse=True):
        if len(value) >= LEAST:
            text = text.replace(base64.b64encode(value).decode(), REDACTED)
            text = text.replace(value.decode("utf-8", "surrogateescape"), REDACTED)
    return text


def values_of(obj: Any) -> Iterator[bytes]:
    """The values in marked fields of an object, if it has any."""
    if isinstance(obj, CustomObject):
        if obj.structural is not None:
            yield from _of_content(obj.content, obj.structural)
    elif isinstance(obj, Struct) and _has_marks(type(obj)):
        yield from _of_struct(obj, getattr(obj, "metadata", None))


def _of_struct(obj: Struct, metadata: Any) -> Iterator[bytes]:
    for field in schema_of(type(obj)).fields.values():
        value = getattr(obj, field.attribute)
        if field.facts.confidential:
            yield from _leaves(value)
        elif field.facts.confidential_by:
            listed = metadata.annotations.get(field.facts.confidential_by, "")
            names = {name.strip() for name in listed.split(",")}
            yield from _leaves([v for name, v in value.items() if {name, "*"} & names])
        else:
            for inner in value if isinstance(value, list) else (value,):
                if isinstance(inner, Struct):
                    yield from _of_struct(inner, metadata)


def _leaves(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, str):
        yield value.encode()
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)


def _of_content(tree: Any, schema: Structural) -> Iterator[bytes]:
    """Of custom objects; no deeper than their schema."""
    if schema.format == _PASSWORD:
        yield from _leaves(tree)
    elif isinstance(tree, dict):
        for name, value in tree.items():
            inner = schema.field(name)
            if inner is not None:
                yield from _of_content(value, inner)
    elif isinstance(tree, list) and schema.items is not None:
        for value in tree:
            yield from _of_content(value, schema.items)


@cache
def _has_marks(struct: type[Struct]) -> bool:
    """Whether a type, or one of those that it is made of, has a marked field."""
    seen, open_ = {struct}, [struct]
    while open_:
        for field in schema_of(open_.pop()).fields.values():
            if field.facts.confidential or field.facts.confidential_by:
                return True
            type_ = field.type.items or field.type
            if type_.struct is not None and type_.struct not in seen:
                seen.add(type_.struct)
                open_.append(type_.struct)
    return False
