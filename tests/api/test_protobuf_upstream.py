"""Our protobuf beside upstream's own message types, which kubectl 1.33 has in it.

What is declared after 1.33 is left out here: the older messages do not know it. Which zero values
are written is not in the descriptors; it stands in protobuf_presence.txt.
"""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.api.codec import to_tree
from strongroom.api.discovery import APIGroup, APIGroupList, APIResourceList, APIVersions
from strongroom.api.errors import Status
from strongroom.api.meta import DeleteOptions, ListMeta
from strongroom.api.protobuf import (
    PREFIX,
    MalformedError,
    encode_message,
    encode_protobuf,
    enveloped_list,
    event_frame,
    has_message,
    item,
    read,
)
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of
from strongroom.api.table import PartialObjectMetadata, PartialObjectMetadataList
from strongroom.resources.catalog import CATALOG
from strongroom.resources.secret import Secret
from tests.api.protobuf_objects import Filler, message_name
from tests.layer import message_pool
from tests.parts import require_part

META_TYPES: list[type[Struct]] = [
    APIGroup,
    APIGroupList,
    APIResourceList,
    APIVersions,
    DeleteOptions,
    PartialObjectMetadata,
    PartialObjectMetadataList,
    Status,
]
PARTS = [p.other.type for r in CATALOG.all() for p in r.subresources if p.other]
TYPES = list(dict.fromkeys([*(r.type for r in CATALOG.all()), *PARTS, *META_TYPES]))
OURS = "io.strongroom."
"""Kinds that upstream does not have."""
NEWER = (
    "k8s.io.api.certificates.v1.ClusterTrustBundle",
    "k8s.io.api.certificates.v1.PodCertificateRequest",
)
"""Kinds that are v1 since later versions."""
# kubectl holds the messages of its own clients only.
UNKNOWN_TO_KUBECTL = ("k8s.io.apiextensions-apiserver.", "k8s.io.kube-aggregator.", OURS, *NEWER)
KNOWN = [t for t in TYPES if not message_name(t).startswith(UNKNOWN_TO_KUBECTL)]

seeds = st.integers(0, 2**32)
each_known = pytest.mark.parametrize("struct", KNOWN, ids=message_name)
each = pytest.mark.parametrize("struct", TYPES, ids=message_name)


@pytest.fixture(scope="session")
def pool() -> DescriptorPool:
    return message_pool(require_part("kubectl-1.33"))


def new(pool: DescriptorPool, name: str) -> Message:
    return GetMessageClass(pool.FindMessageTypeByName(name))()


@pytest.mark.needs("kubectl-1.33")
@each_known
def test_our_bytes_are_upstreams(struct: type[Struct], pool: DescriptorPool) -> None:
    descriptor = pool.FindMessageTypeByName(message_name(struct))

    @settings(max_examples=12)
    @given(seeds)
    def check(seed: int) -> None:
        ours = encode_message(Filler(Random(seed)).object(struct, descriptor))
        theirs = new(pool, message_name(struct))
        theirs.ParseFromString(ours)
        assert theirs.SerializeToString(deterministic=True) == ours

    check()


@pytest.mark.needs("kubectl-1.33")
@each_known
def test_we_read_what_upstream_wrote(struct: type[Struct], pool: DescriptorPool) -> None:
    @settings(max_examples=12)
    @given(seeds)
    def check(seed: int) -> None:
        theirs = new(pool, message_name(struct))
        Filler(Random(seed)).message(theirs, struct)
        body = PREFIX + item(theirs.SerializeToString())
        ours = new(pool, message_name(struct))
        ours.ParseFromString(encode_message(read(body, struct)))
        assert without_zeros(ours) == without_zeros(theirs)

    check()


@each
def test_protobuf_and_json_agree(struct: type[Struct]) -> None:
    @settings(max_examples=12)
    @given(seeds)
    def check(seed: int) -> None:
        obj = Filler(Random(seed)).object(struct, None)
        again = read(encode_protobuf(obj, api_version=obj.apiVersion, kind=obj.kind), struct)
        assert to_tree(again) == to_tree(obj)

    check()


@each
def test_damaged_messages_are_read_or_refused(struct: type[Struct]) -> None:
    """Whatever a byte becomes: an object that can be written again, or the one error."""

    @settings(max_examples=15)
    @given(seeds)
    def check(seed: int) -> None:
        random = Random(seed)
        obj = Filler(random).object(struct, None)
        body = bytearray(encode_protobuf(obj, api_version="v1", kind="Kind"))
        for _ in range(random.randint(1, 3)):
            body[random.randrange(len(PREFIX), len(body))] = random.choice((0, 1, 0x7F, 0x80, 0xFF))
        try:
            again = read(bytes(body), struct)
        except MalformedError:
            return
        encode_message(again)

    check()


@pytest.mark.parametrize(
    "struct", [t for t in TYPES if not message_name(t).startswith(OURS)], ids=message_name
)
def test_what_go_holds_by_value_is_always_written(struct: type[Struct]) -> None:
    for inner in inner_types(struct):
        assert always_written(inner) == set(PRESENCE.get(message_name(inner), ())), inner


def test_lists_and_envelopes(pool: DescriptorPool) -> None:
    secret = Secret(data={"k": b"v", "a": b""}, type="Opaque")
    body = enveloped_list(
        "v1", "SecretList", ListMeta(resourceVersion="7"), [item(encode_message(secret))] * 2
    )
    unknown: Any = new(pool, "k8s.io.apimachinery.pkg.runtime.Unknown")
    unknown.ParseFromString(body.removeprefix(PREFIX))
    assert (unknown.typeMeta.apiVersion, unknown.typeMeta.kind) == ("v1", "SecretList")
    assert PREFIX + unknown.SerializeToString() == body
    many: Any = new(pool, "k8s.io.api.core.v1.SecretList")
    many.ParseFromString(unknown.raw)
    assert many.metadata.resourceVersion == "7"
    assert [dict(secret.data) for secret in many.items] == [{"k": b"v", "a": b""}] * 2
    assert many.SerializeToString(deterministic=True) == unknown.raw


def test_events(pool: DescriptorPool) -> None:
    frame = event_frame("ADDED", b"the object")
    event: Any = new(pool, "k8s.io.apimachinery.pkg.apis.meta.v1.WatchEvent")
    event.ParseFromString(frame[4:])
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert (event.type, event.object.raw) == ("ADDED", b"the object")
    assert event.SerializeToString() == frame[4:]


def without_zeros(message: Any) -> Any:
    """Fields that are set to more than nothing, by name."""
    found = {field.name: plain(field, value) for field, value in message.ListFields()}
    return {name: value for name, value in found.items() if value}


def plain(field: Any, value: Any) -> Any:
    type_ = field.message_type
    if type_ is not None and type_.GetOptions().map_entry:
        inner = type_.fields_by_number[2].message_type
        return {k: without_zeros(v) if inner else v for k, v in value.items()}
    if field.is_repeated:
        return [without_zeros(one) if type_ else one for one in value]
    if type_ is None:
        return value
    if type_.name == "Quantity":
        return value.string if value.string != "0" else None
    # A time of zero seconds is a moment, and no time is none.
    moment = type_.name in ("Time", "MicroTime")
    return value.SerializeToString() if moment else without_zeros(value)


def read_presence() -> dict[str, tuple[int, ...]]:
    """Message names and the numbers that are always written."""
    found, package = {}, ""
    text = (Path(__file__).parent / "protobuf_presence.txt").read_text()
    for line in text.splitlines():
        if line.startswith("["):
            package = line.strip("[]")
        elif not line.startswith("#"):
            name, *fields = line.split()
            found[f"{package}.{name}"] = tuple(map(int, fields))
    return found


PRESENCE = read_presence()


def inner_types(struct: type[Struct]) -> set[type[Struct]]:
    """A type and those of all its fields that have messages."""
    found: set[type[Struct]] = set()
    stack = [struct]
    while stack:
        one = stack.pop()
        if one in found or not has_message(one):
            continue
        found.add(one)
        for field in schema_of(one).fields.values():
            type_: TypeSchema | None = field.type
            while type_ is not None:
                stack += [type_.struct] if type_.struct is not None else []
                type_ = type_.items
    return found


def always_written(struct: type[Struct]) -> set[int]:
    """The numbers of a type that we always write, as its declaration says."""
    fields = [f for f in schema_of(struct).fields.values() if f.facts.number]
    outer = {f.facts.within[0] for f in fields if f.facts.within}
    return outer | {f.facts.number for f in fields if not f.facts.within and by_value(f)}


def by_value(field: FieldSchema) -> bool:
    if field.type.kind in ("array", "map", "bytes"):
        return False
    if field.type.kind == "any" or field.type.format in ("date-time", "quantity"):
        return field.facts.by_value
    return not field.nullable or field.facts.by_value
