"""Looking for users in bytes, against every field that a schema marks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from strongroom.access.user import Attributes, User
from strongroom.api import codec
from strongroom.api.clock import SystemClock
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of
from strongroom.resources.catalog import CATALOG
from strongroom.resources.references import may_refer
from strongroom.resources.resource import Resource
from strongroom.resources.secret_use import references_to_secrets
from strongroom.server.secret_users import _MARK, SecretUsers, _field

NAME = "the.secret-1"
REFERRING = [r for r in CATALOG.all() if r.namespaced and may_refer(r.type)]


def _inner(kind: TypeSchema) -> type[Struct] | None:
    return kind.struct or (kind.items.struct if kind.items else None)


def _holding(struct: type[Struct], above: tuple[type[Struct], ...] = ()) -> Iterator[Struct]:
    """Objects of a type, each with one of the fields set that refer to Secrets."""
    for field in schema_of(struct).fields.values():
        inner = _inner(field.type)
        if field.facts.refers == "Secret":
            yield _with(struct, field, inner(name=NAME) if inner else NAME)
        elif inner is not None and inner not in above:
            for below in _holding(inner, (*above, struct)):
                yield _with(struct, field, below)


def _with(struct: type[Struct], field: FieldSchema, value: Any) -> Struct:
    return struct(**{field.attribute: [value] if field.type.items else value})


@pytest.mark.parametrize("resource", REFERRING, ids=lambda resource: resource.plural)
def test_every_reference_is_found_in_the_bytes(resource: Resource[Any]) -> None:
    count = 0
    for obj in _holding(resource.type):
        count += 1
        (reference,) = references_to_secrets(obj)  # type: ignore[arg-type]  # of this kind
        wire = codec.encode(obj)
        assert _MARK in wire, reference.path
        assert _field(NAME).search(wire), reference.path
        assert not _field("the-secret-1").search(wire)
        assert not _field("secret-1").search(wire)
    assert count >= (1 if resource.plural == "ingresses" else 2)


def test_a_text_made_to_be_walked_often_is_walked_once() -> None:
    # With one walk to the end for each mark this takes minutes, in which nobody is served.
    assert _field(NAME).search(b'"' + _MARK * 200_000 + b'"') is None


class References:
    """One Secret, to which another namespace has very many references."""

    def referring(self, namespace: str, name: str) -> list[tuple[str, str]]:
        return [("there", f"r-{number}") for number in range(5000)]

    def shared(self, namespace: str) -> list[str]:
        return ["db"]


async def test_many_references_do_not_have_a_namespace_looked_through_for_each() -> None:
    looks = 0

    def registries(group: str, plural: str) -> None:
        nonlocal looks
        looks += 1

    users = SecretUsers(registries, SystemClock())
    users.sharing = References()
    assert await users.users("here", "db") == []
    asker = Attributes(User("joe"), "delete", "/")
    assert not await users.is_used("here", "db", asker)
    assert looks < 1000
