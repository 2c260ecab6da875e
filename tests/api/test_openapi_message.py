"""OpenAPI documents in protobuf, read back by gnostic's own messages, which kubectl has in it."""

import json
from typing import Any

import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from strongroom.api.openapi_v2_message import encode_v2
from strongroom.api.openapi_v3_message import encode_v3
from strongroom.resources.catalog import CATALOG
from strongroom.server.openapi import OpenAPI
from strongroom.server.reply import Reply
from tests.layer import gnostic_pool
from tests.parts import require_part

# Messages that are there for their names' sake: JSON has no such level.
_ENTRIES = {
    "Definitions",
    "Properties",
    "SecurityDefinitions",
    "SecurityRequirement",
    "MediaTypes",
    "SchemasOrReferences",
    "SecuritySchemesOrReferences",
}
_ENTRY_FIELDS = {"path", "response_code", "response_or_reference", "additional_properties"}
_EXTENSIONS = {"vendor_extension", "specification_extension"}


@pytest.fixture(scope="module")
def pool() -> DescriptorPool:
    return gnostic_pool(require_part("kubectl-1.33"))


async def document(path: str) -> Any:
    routes = OpenAPI().routes(CATALOG.all())
    request: Any = Request()
    target: Any = Target()
    reply = await routes[path](request, target)
    assert isinstance(reply, Reply)
    return json.loads(reply.body)


class Request:
    headers: dict[str, str] = {}


class Target:
    def first(self, name: str) -> str:
        return ""


@pytest.mark.needs("kubectl-1.33")
async def test_v2(pool: DescriptorPool) -> None:
    tree = await document("/openapi/v2")
    assert read_back(pool, "openapi.v2.Document", encode_v2(tree)) == without_zeros(tree)


@pytest.mark.needs("kubectl-1.33")
async def test_v3(pool: DescriptorPool) -> None:
    for path in ("api/v1", "apis/apps/v1", "version"):
        tree = await document(f"/openapi/v3/{path}")
        assert read_back(pool, "openapi.v3.Document", encode_v3(tree)) == without_zeros(tree)


@pytest.mark.needs("kubectl-1.33")
def test_what_our_documents_do_not_have_yet(pool: DescriptorPool) -> None:
    schema = {
        "type": ["string", "null"],
        "default": {"a": 1},
        "maximum": 1.5,
        "minItems": 300,
        "enum": ["a", 1],
        "additionalProperties": False,
    }
    tree: Any = {"swagger": "2.0", "definitions": {"A": schema}}
    assert read_back(pool, "openapi.v2.Document", encode_v2(tree)) == tree
    choices = [{"type": "string", "default": "x"}, {"default": 1.0}, {"default": True}]
    tree = {"components": {"schemas": {"A": {"not": {"oneOf": choices}, "nullable": True}}}}
    assert read_back(pool, "openapi.v3.Document", encode_v3(tree)) == tree


def read_back(pool: DescriptorPool, name: str, content: bytes) -> Any:
    message: Any = GetMessageClass(pool.FindMessageTypeByName(name))()
    message.ParseFromString(content)
    assert message.SerializeToString(deterministic=True) == content
    return plain(message)


def plain(message: Any) -> Any:
    """The JSON tree that a message is of."""
    kind = message.DESCRIPTOR
    if kind.name == "Any":
        return json.loads(message.yaml)
    if kind.name in ("TypeItem", "StringArray"):
        values = list(message.value)
        return values[0] if kind.name == "TypeItem" and len(values) == 1 else values
    if kind.oneofs:
        chosen = message.WhichOneof(kind.oneofs[0].name)
        value = getattr(message, chosen) if chosen else None
        return plain(value) if hasattr(value, "DESCRIPTOR") else value
    if kind.name == "ItemsItem":
        (field,) = kind.fields
        return plain(getattr(message, field.name)[0])
    tree: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.name in _ENTRY_FIELDS | _EXTENSIONS and field.is_repeated:
            tree |= {entry.name: plain(entry.value) for entry in value}
        elif field.message_type is None:
            tree[json_name(field.name)] = list(value) if field.is_repeated else value
        else:
            tree[json_name(field.name)] = (
                [plain(one) for one in value] if field.is_repeated else plain(value)
            )
    return tree


def json_name(name: str) -> str:
    first, *rest = name.lstrip("_").split("_")
    return ("$" if name.startswith("_") else "") + first + "".join(map(str.capitalize, rest))


def without_zeros(tree: Any) -> Any:
    """proto3 does not tell a zero from nothing, and v3's messages have only scalar defaults."""
    if isinstance(tree, list):
        return [without_zeros(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if name == "default":
            found[name] = None if value in ({}, []) else value
        elif name.startswith("x-") or name == "BearerToken":
            found[name] = value
        elif value not in ("", 0, False, []):
            found[name] = without_zeros(value)
    return found
