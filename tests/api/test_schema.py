"""Declarations: what schema_of reads from a Struct, and that Structs hide what they hold."""

from __future__ import annotations

from typing import Annotated

import pytest

from strongroom.api import codec
from strongroom.api.schema import F, Struct, always, schema_of
from tests.api.samples import Part, Spec, Thing


def test_fields_are_read_in_their_order_with_their_facts() -> None:
    fields = schema_of(Spec).fields
    assert list(fields)[:3] == ["size", "ready", "mode"]
    assert (fields["size"].type.kind, fields["size"].nullable) == ("integer", True)
    assert fields["parts"].type.items is not None
    assert fields["parts"].type.items.struct is Part
    assert fields["parts"].facts.merge_key == "name"
    assert fields["amounts"].type.items is not None
    assert fields["amounts"].type.items.format == "quantity"
    assert fields["exactly"].facts.micro
    assert fields["free"].type.kind == "any"
    assert schema_of(Part).fields["port"].type.int_or_string
    assert schema_of(Thing).fields["data"].facts.confidential


def test_reprs_name_the_type_only() -> None:
    thing = Thing(data={"password": b"s3cret"}, spec=Spec(mode="s3cret"))
    assert repr(thing) == "<Thing>"
    assert str([thing.spec]) == "[<Spec>]"
    assert thing.__rich_repr__() == []


def test_always_writes_empty_values() -> None:
    class Sample(Struct):
        """Fields that Go writes without omitempty."""

        text: Annotated[str, F(1, "A text.")] = always(str)
        items: Annotated[list[str], F(2, "A list.")] = always(list)
        named: Annotated[str, F(3, "A constant.")] = always(lambda: "Kind")
        left_out: Annotated[list[str], F(4, "A list.")] = []

    assert codec.encode(Sample()) == b'{"text":"","items":[],"named":"Kind"}'
    assert Sample().items is not Sample().items


def test_an_undeclared_field_is_a_mistake() -> None:
    class Bare(Struct):
        """A field without F."""

        name: str = ""

    class Odd(Struct):
        """A field that has no wire form."""

        names: Annotated[set[str], F(1, "A set.")] = set()

    with pytest.raises(TypeError, match=r"Bare\.name is not declared"):
        schema_of(Bare)
    with pytest.raises(TypeError, match="no wire form"):
        schema_of(Odd)
