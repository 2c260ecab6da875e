"""Protobuf bodies: what kubectl 1.37 really sends, and everything that is no message."""

import struct as binary

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.codec import to_tree
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, Object
from strongroom.api.protobuf import (
    PREFIX,
    MalformedError,
    decode_protobuf,
    encode_message,
    encode_protobuf,
    item,
    read,
)
from strongroom.api.protobuf.wire import framed, read_varint, varint
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.crd_schema import JSONSchemaProps
from strongroom.resources.lease import Lease
from strongroom.resources.namespace import Namespace
from strongroom.resources.pod import Pod
from strongroom.resources.pod_security import PodSecurityContext
from strongroom.resources.poddisruptionbudget import PodDisruptionBudget
from strongroom.resources.secret import Secret
from strongroom.resources.serviceaccount import ServiceAccount


@pytest.mark.parametrize(
    ("struct", "hexadecimal", "expected"),
    [
        (
            Namespace,
            (
                "6b3873000a0f0a02763112094e616d657370616365121a0a120a02767612001a0022002a0032"
                "003800420012001a020a001a002200"
            ),
            {},
        ),
        (
            ConfigMap,
            (
                "6b3873000a0f0a0276311209436f6e6669674d617012240a120a02767612001a0022002a0032"
                "003800420012060a016b12017612060a016c1201771a002200"
            ),
            {"data": {"k": "v", "l": "w"}},
        ),
        (
            ConfigMap,
            (
                "6b3873000a0f0a0276311209436f6e6669674d617012240a130a0362696e12001a0022002a00"
                "3200380042001a0d0a0762696e2e6461741202ff001a002200"
            ),
            {"binaryData": {"bin.dat": "/wA="}},
        ),
        (
            ServiceAccount,
            (
                "6b3873000a140a027631120e536572766963654163636f756e7412140a120a0276761200"
                "1a0022002a003200380042001a002200"
            ),
            {},
        ),
        (
            Secret,
            (
                "6b3873000a0c0a027631120653656372657412250a120a02767612001a0022002a003200380042"
                "0012060a016b1201761a076d792f747970651a002200"
            ),
            {"data": {"k": "dg=="}, "type": "my/type"},
        ),
    ],
)  # fmt: skip - a table
def test_bodies_of_kubectl(
    struct: type[Object], hexadecimal: str, expected: dict[str, object]
) -> None:
    obj = decode_protobuf(bytes.fromhex(hexadecimal), struct, kind=struct.__name__)
    # Written again by us, they are kubectl's to the byte.
    assert encode_protobuf(obj, api_version="v1", kind=obj.kind).hex() == hexadecimal
    tree = to_tree(obj)
    assert tree.pop("kind") == struct.__name__
    assert tree.pop("apiVersion") == "v1"
    assert tree.pop("metadata")["name"] in ("vv", "bin")
    # Messages that Go holds by value are there, empty.
    assert {name: value for name, value in tree.items() if value != {}} == expected


def field(number: int, content: bytes | int) -> bytes:
    """One field: a number as a varint, bytes with their length (both below 128)."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def body(message: bytes, kind: str = "Pod") -> bytes:
    told = field(1, b"v1") + field(2, kind.encode())
    return b"k8s\0" + field(1, told) + field(2, message)


def test_what_go_inlines_has_a_message_of_its_own() -> None:
    source = field(6, field(1, b"s") + field(3, 0o44))
    volume = field(1, b"v") + field(2, source)
    pod = decode_protobuf(body(field(2, field(1, volume))), Pod, kind="Pod")
    assert to_tree(pod)["spec"]["volumes"] == [
        {"name": "v", "secret": {"secretName": "s", "defaultMode": 0o44}}
    ]
    # env is 7 of a container, valueFrom 3 of it, secretKeyRef 4 of that.
    selector = field(1, field(1, b"s")) + field(2, b"k")
    variable = field(1, b"E") + field(3, field(4, selector))
    container = field(1, b"c") + field(7, variable)
    pod = decode_protobuf(body(field(2, field(2, container))), Pod, kind="Pod")
    (got,) = to_tree(pod)["spec"]["containers"]
    assert got["env"] == [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]


def test_times() -> None:
    second = b"\x08\x80\xf0\xa4\xcb\x06"  # 1768503296 s
    micro = field(2, field(3, second + b"\x10\x88\x27"))  # and 5000 ns
    lease = decode_protobuf(body(field(1, field(8, second)), "Lease"), Lease, kind="Lease")
    assert lease.metadata.creationTimestamp == "2026-01-15T18:54:56Z"
    lease = decode_protobuf(body(micro, "Lease"), Lease, kind="Lease")
    assert to_tree(lease)["spec"]["acquireTime"].endswith(".000005Z")


def test_an_entry_without_a_time() -> None:
    entry = field(1, b"p") + field(2, b"")
    body_ = body(field(3, field(2, entry)), "PodDisruptionBudget")
    budget = decode_protobuf(body_, PodDisruptionBudget, kind="PodDisruptionBudget")
    assert budget.status.disruptedPods == {"p": ""}
    assert framed(b"\x12", entry) in encode_message(budget)


def test_negative_numbers() -> None:
    minus_one = b"\x08" + b"\xff" * 9 + b"\x01"
    options = decode_protobuf(body(minus_one), DeleteOptions, kind="DeleteOptions")
    assert options.gracePeriodSeconds == -1


def test_unknown_fields_are_skipped() -> None:
    unknown = b"\xf9\x01" + binary.pack("<d", 1.5) + field(15, b"x")
    secret = decode_protobuf(body(unknown + field(3, b"t"), "Secret"), Secret, kind="Secret")
    assert secret.type == "t"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"k8s",
        b"{}",
        b"k8s\0\x0a",
        b"k8s\0\x12\x05\x0a",
        b"k8s\0\x00\x00",
        b"k8s\0\x0b\x01",
        body(b"\x1a\x03\xff\xfe\xfd"),
        body(b"\x1a\x80"),
        body(field(1, 3)),
        body(b"\x08" * 30),
        b"k8s\0\x12" + b"\xff" * 12,
        body(field(1, field(8, b"\x08" + b"\xff" * 8 + b"\x7f"))),
    ],
)  # fmt: skip - a table
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(StatusError) as raised:
        decode_protobuf(data, Secret, kind="Secret")
    assert (raised.value.code, raised.value.reason) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\x12\x00" * 1_400_000, "exceeded max number of values"),  # empty entries of a map
        (b"\x98\x06\x01" * 1_000_000, "exceeded max number of values"),  # unknown numbers
        (framed(b"\x0a", b"\x08\x03"), "wrong wireType = 0 for field name"),
        (b"\x1b\x1c", "illegal wireType 3"),  # a group
        (b"\x1c", "illegal wireType 4"),
        (b"\x1a" + b"\x80" * 10 + b"\x01", "integer overflow"),
        (b"\x1a" + b"\xff" * 9 + b"\x01", "unexpected EOF"),  # longer than there is memory
        (b"\x12\x04\x0a\x02\xff\xfe", "illegal field value"),  # no UTF-8
        (framed(b"\x0a", b"\x42\x0a\x08" + b"\xff" * 8 + b"\x7f"), "illegal field value"),
    ],
    ids=["entries", "unknown", "wire", "group", "end", "overflow", "length", "utf8", "time"],
)
def test_hostile_bytes(message: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why) as raised:
        read(PREFIX + item(message), Secret)
    assert raised.value.__cause__ is None


def test_messages_that_contain_themselves_have_an_end() -> None:
    schema = b""
    for _ in range(400):
        schema = framed(b"\xe2\x01", schema)  # field 28 of a schema: not
    with pytest.raises(MalformedError, match="exceeded max depth"):
        read(PREFIX + item(schema), JSONSchemaProps)


def test_packed_numbers_are_a_list_too() -> None:
    packed = framed(b"\x22", varint(7) + varint(-1))
    plain = b"\x20" + varint(7) + b"\x20" + varint(-1)
    for groups in (packed, plain):
        context = read(PREFIX + item(groups), PodSecurityContext)
        assert context.supplementalGroups == [7, -1]
        assert encode_message(context) == plain


@given(st.integers(0, 2**64 - 1))
def test_varints(number: int) -> None:
    text = varint(number)
    assert read_varint(text + b"\xff", 0, len(text)) == (number, len(text))
    assert text == varint(number - 2**64)


def test_what_go_writes_of_nothing() -> None:
    """By value: always; by pointer: if it is set; lists and maps: if they hold something."""
    assert encode_message(DeleteOptions()) == b""
    assert encode_message(DeleteOptions(gracePeriodSeconds=0, dryRun=["All"])) == (
        b"\x08\x00\x2a\x03All"
    )
    meta = b"\x0a\x00\x12\x00\x1a\x00\x22\x00\x2a\x00\x32\x00\x38\x00\x42\x00"
    assert encode_message(Secret(immutable=False)) == (
        framed(b"\x0a", meta) + b"\x1a\x00" + b"\x28\x00"
    )
    assert encode_message(Secret(data={"b": b"", "a": b"x"})) == (
        framed(b"\x0a", meta)
        + framed(b"\x12", b"\x0a\x01a\x12\x01x")
        + framed(b"\x12", b"\x0a\x01b\x12\x00")
        + b"\x1a\x00"
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        assert isinstance(decode_protobuf(b"k8s\0" + data, Pod, kind="Pod"), Pod)
    except StatusError:
        return
