"""The decoders: damaged bodies of every kind are read, or refused without telling a value.

JSON, YAML and protobuf of random objects, damaged as trees and as bytes. Whatever is read can be
written again in all forms, and reads back the same.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

import pytest
import yaml

from strongroom.api import codec
from strongroom.api.jsontext import copy_tree
from strongroom.api.protobuf import decode_protobuf, encode_protobuf
from strongroom.api.schema import Struct
from strongroom.resources.catalog import CATALOG
from tests.api.protobuf_objects import Filler, message_name
from tests.fuzz.mutations import Marking, as_json, attempted, damaged_bytes, damaged_tree
from tests.fuzz.sizes import seeds

TYPES: list[type[Struct]] = list(dict.fromkeys(r.type for r in CATALOG.all()))
each = pytest.mark.parametrize("struct", TYPES, ids=message_name)


def random_tree(random: Random, struct: type[Struct]) -> Any:
    """The tree of a random object, with the marker here and there."""
    return codec.to_tree(Marking(random).object(struct, None))


def is_read_or_refused(random: Random, body: bytes, struct: type[Struct], *, yaml: bool) -> None:
    """Raises AssertionError for any other outcome than an object or a 4xx without values."""
    find = random.random() < 0.5
    decoded = attempted(
        random, lambda: codec.decode(body, struct, yaml=yaml, kind="Kind", find=find)
    )
    if decoded is not None:
        can_be_written(random, decoded.obj)


def can_be_written(random: Random, obj: Any) -> None:
    """What was read is the same after being written and read in JSON."""
    body = codec.encode(obj)
    again = codec.decode(body, type(obj), kind="Kind").obj
    assert codec.encode(again) == body, random
    encode_protobuf(obj, api_version="v1", kind="Kind")


@each
def test_damaged_json(struct: type[Struct]) -> None:
    for random in seeds(6):
        tree = random_tree(random, struct)
        body = as_json(damaged_tree(random, tree))
        is_read_or_refused(random, body, struct, yaml=False)
        is_read_or_refused(random, damaged_bytes(random, body), struct, yaml=False)


@each
def test_damaged_yaml(struct: type[Struct]) -> None:
    for random in seeds(4):
        tree = random_tree(random, struct)
        tree = damaged_tree(random, tree)
        try:
            text = yaml.dump(tree, Dumper=yaml.CSafeDumper, allow_unicode=True)
        except UnicodeEncodeError:
            continue  # Half of a surrogate pair, which YAML cannot hold.
        body = text.encode()
        is_read_or_refused(random, body, struct, yaml=True)
        is_read_or_refused(random, damaged_bytes(random, body), struct, yaml=True)


@each
def test_damaged_protobuf(struct: type[Struct]) -> None:
    for random in seeds(6):
        obj = Marking(random).object(struct, None)
        body = encode_protobuf(obj, api_version="v1", kind="Kind")
        damaged = damaged_bytes(random, body)
        read = attempted(random, partial(decode_protobuf, damaged, struct, kind="Kind"))
        if read is None:
            continue
        codec.to_tree(read)
        encode_protobuf(read, api_version="v1", kind="Kind")


class Quoting(yaml.CSafeDumper):
    """Quotes all text: some that PyYAML writes without (``n``, ``Y``) are booleans to others."""


def _quoted(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


Quoting.add_representer(str, _quoted)


@each
def test_json_yaml_and_protobuf_agree(struct: type[Struct]) -> None:
    for random in seeds(3):
        tree = codec.to_tree(Filler(random).object(struct, None))
        before = copy_tree(tree)
        text = yaml.dump(tree, Dumper=Quoting)
        from_json = codec.decode(as_json(tree), struct, kind="Kind").obj
        from_yaml = codec.decode(text.encode(), struct, yaml=True, kind="Kind").obj
        message = encode_protobuf(from_json, api_version="", kind="")
        from_protobuf = decode_protobuf(message, struct, kind="Kind")
        assert codec.to_tree(from_json) == codec.to_tree(from_yaml) == before, random
        assert codec.to_tree(from_protobuf) == codec.to_tree(from_json), random
