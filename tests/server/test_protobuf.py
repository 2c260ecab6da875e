"""Protobuf over HTTP: every kind of answer, who gets it, and who gets something else."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import aiohttp
import msgspec

from strongroom.api.codec import to_tree
from strongroom.api.discovery import APIGroup, APIGroupList, APIResourceList, APIVersions
from strongroom.api.errors import Status
from strongroom.api.meta import DeleteOptions, ListMeta, ObjectMeta, Preconditions
from strongroom.api.protobuf import encode_protobuf, read
from strongroom.api.schema import F, Struct
from strongroom.api.table import PartialObjectMetadata, PartialObjectMetadataList
from strongroom.resources.crd_object import CustomResourceDefinition as Definition
from strongroom.resources.secret import Secret
from tests.server.conftest import SECRETS, Answer, Running, secret
from tests.server.custom import DEFINITIONS, NAME, V1, crontab, define, definition

PROTOBUF = "application/vnd.kubernetes.protobuf"
ACCEPT = {"Accept": f"{PROTOBUF},application/json"}
"""As client-go asks."""
METADATA = ";as=PartialObjectMetadata{};v=v1;g=meta.k8s.io"


class SecretList(Struct):
    kind: Annotated[str, F(0, "")] = ""
    apiVersion: Annotated[str, F(0, "")] = ""
    metadata: Annotated[ListMeta, F(1, "")] = msgspec.field(default_factory=ListMeta)
    items: Annotated[list[Secret], F(2, "")] = []


def message(answer: Answer, struct: type[Any]) -> Any:
    assert answer.headers["Content-Type"] == PROTOBUF
    return read(answer.body, struct)


def secret_body(name: str, value: bytes = b"v", **meta: Any) -> bytes:
    obj = Secret(metadata=ObjectMeta(name=name, **meta), data={"k": value})
    return encode_protobuf(obj, api_version="v1", kind="Secret")


async def next_frame(response: aiohttp.ClientResponse) -> tuple[str, bytes]:
    """Type of an event, and its object with envelope."""
    async with asyncio.timeout(10):
        size = int.from_bytes(await response.content.readexactly(4), "big")
        event = await response.content.readexactly(size)
    # Field 1 is the type; field 2 a message whose field 1 is the object.
    assert event[0] == 0x0A
    kind, rest = event[2 : 2 + event[1]].decode(), event[2 + event[1] :]
    start = rest.index(b"k8s\0")
    return kind, rest[start:]


async def test_objects(api: Running) -> None:
    """Create, get, update, patch and delete, all in protobuf, and the same seen in JSON."""
    both = ACCEPT | {"Content-Type": PROTOBUF}
    created = await api.ask("POST", SECRETS, secret_body("s"), headers=both)
    assert created.code == 201
    made = message(created, Secret)
    assert (made.kind, made.apiVersion, made.data, made.type) == (
        "Secret",
        "v1",
        {"k": b"v"},
        "Opaque",
    )
    path = f"{SECRETS}/s"
    got = await api.ask("GET", path, headers=ACCEPT)
    assert got.body == created.body
    assert (await api.ask("GET", path)).json["metadata"]["uid"] == made.metadata.uid
    version = made.metadata.resourceVersion
    updated = await api.ask(
        "PUT", path, secret_body("s", b"w", resourceVersion=version), headers=both
    )
    assert message(updated, Secret).data == {"k": b"w"}
    patch = {"Content-Type": "application/merge-patch+json"} | ACCEPT
    patched = await api.ask("PATCH", path, {"type": None, "data": {"l": "eA=="}}, headers=patch)
    assert message(patched, Secret).data == {"k": b"w", "l": b"x"}
    options = DeleteOptions(preconditions=Preconditions(uid="another"))
    body = encode_protobuf(options, api_version="v1", kind="DeleteOptions")
    refused = await api.ask("DELETE", path, body, headers=both)
    assert (refused.code, message(refused, Status).reason) == (409, "Conflict")
    body = encode_protobuf(DeleteOptions(), api_version="v1", kind="DeleteOptions")
    deleted = await api.ask("DELETE", path, body, headers=both)
    assert message(deleted, Status).details.uid == made.metadata.uid


async def test_refusals(api: Running) -> None:
    """Errors come in the form that the client asked for."""
    missing = await api.ask("GET", f"{SECRETS}/none", headers=ACCEPT)
    status = message(missing, Status)
    assert (status.kind, status.apiVersion) == ("Status", "v1")
    assert (missing.code, status.code, status.reason) == (404, 404, "NotFound")
    stranger = await api.ask("GET", SECRETS, headers=ACCEPT, identity="")
    assert stranger.code == message(stranger, Status).code in (401, 403)
    bad = ACCEPT | {"Content-Type": PROTOBUF}
    garbage = await api.ask("POST", SECRETS, b"k8s\0\xff", headers=bad)
    assert (garbage.code, message(garbage, Status).reason) == (400, "BadRequest")


async def test_lists(api: Running) -> None:
    for name in ("a", "b", "c"):
        await api.ask("POST", SECRETS, secret(name, k="v"))
    answer = await api.ask("GET", f"{SECRETS}?limit=2", headers=ACCEPT)
    many = message(answer, SecretList)
    assert (many.kind, many.apiVersion) == ("SecretList", "v1")
    assert many.metadata.remainingItemCount == 1
    assert [(s.metadata.name, s.data) for s in many.items] == [
        ("a", {"k": b"v"}),
        ("b", {"k": b"v"}),
    ]
    page = f"{SECRETS}?limit=2&continue={many.metadata.continue_}"
    rest = message(await api.ask("GET", page, headers=ACCEPT), SecretList)
    assert [s.metadata.name for s in rest.items] == ["c"]
    shown = (await api.ask("GET", SECRETS)).json
    assert (
        rest.items[0].metadata.resourceVersion == shown["items"][2]["metadata"]["resourceVersion"]
    )


async def test_metadata_only(api: Running) -> None:
    await api.ask("POST", SECRETS, secret("a", k="hidden value"))
    accept = {"Accept": PROTOBUF + METADATA.format("List")}
    answer = await api.ask("GET", SECRETS, headers=accept)
    many = message(answer, PartialObjectMetadataList)
    assert (many.kind, many.apiVersion) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert [item.metadata.name for item in many.items] == ["a"]
    assert b"hidden" not in answer.body
    accept = {"Accept": PROTOBUF + METADATA.format("")}
    one = await api.ask("GET", f"{SECRETS}/a", headers=accept)
    assert message(one, PartialObjectMetadata).metadata.name == "a"
    assert b"hidden" not in one.body


async def test_watches(api: Running) -> None:
    headers = {"Accept": f"{PROTOBUF};stream=watch,{PROTOBUF}"}
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    await api.ask("POST", SECRETS, secret("a", k="v"))
    url = f"{SECRETS}?{query}&allowWatchBookmarks=true"
    async with api.session().get(url, headers=headers) as watch:
        assert watch.headers["Content-Type"] == f"{PROTOBUF};stream=watch"
        kind, body = await next_frame(watch)
        assert (kind, read(body, Secret).data) == ("ADDED", {"k": b"v"})
        kind, body = await next_frame(watch)
        bookmark = read(body, Secret)
        assert (kind, bookmark.kind) == ("BOOKMARK", "Secret")
        assert bookmark.metadata.annotations == {"k8s.io/initial-events-end": "true"}
        await api.ask("DELETE", f"{SECRETS}/a")
        kind, body = await next_frame(watch)
        assert (kind, read(body, Secret).data) == ("DELETED", {"k": b"v"})


async def test_a_watch_of_metadata_and_one_that_fails(api: Running) -> None:
    headers = {"Accept": PROTOBUF + METADATA.format("")}
    url = f"{SECRETS}?watch=1&resourceVersion=0"
    await api.ask("POST", SECRETS, secret("a", k="hidden"))
    async with api.session().get(url, headers=headers) as watch:
        _, body = await next_frame(watch)
        partial = read(body, PartialObjectMetadata)
        assert (partial.kind, partial.metadata.name) == ("PartialObjectMetadata", "a")
        assert b"hidden" not in body
    async with api.session().get(f"{SECRETS}?watch=1&resourceVersion=x", headers=ACCEPT) as watch:
        assert watch.status == 422
        assert read(await watch.read(), Status).reason == "Invalid"


async def test_what_has_no_protobuf(api: Running) -> None:
    table = ";as=Table;v=v1;g=meta.k8s.io"
    refused = await api.ask("GET", SECRETS, headers={"Accept": PROTOBUF + table})
    assert refused.code == 406
    assert refused.json["message"] == (
        "only the following media types are accepted: application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf"
    )
    accept = {"Accept": f"{PROTOBUF}{table},application/json{table}"}
    assert (await api.ask("GET", SECRETS, headers=accept)).json["kind"] == "Table"
    yaml = await api.ask("GET", f"{SECRETS}?watch=1", headers={"Accept": "application/yaml"})
    assert yaml.code == 406
    assert b"application/vnd.kubernetes.protobuf;stream=watch" in yaml.body


async def test_discovery(api: Running) -> None:
    for path, struct, kind in (
        ("/api", APIVersions, "APIVersions"),
        ("/apis", APIGroupList, "APIGroupList"),
        ("/apis/coordination.k8s.io", APIGroup, "APIGroup"),
        ("/api/v1", APIResourceList, "APIResourceList"),
    ):
        in_protobuf = message(await api.ask("GET", path, headers=ACCEPT), struct)
        assert in_protobuf.kind == kind
        plain = (await api.ask("GET", path)).json
        assert to_tree(in_protobuf) == plain
    version = await api.ask("GET", "/version", headers=ACCEPT)
    assert version.headers["Content-Type"] == "application/json"


async def test_custom_kinds(api: Running) -> None:
    """Their definitions have protobuf, their objects only in the shape of metadata."""
    await define(api, definition())
    crd = message(await api.ask("GET", f"{DEFINITIONS}/{NAME}", headers=ACCEPT), Definition)
    assert to_tree(crd) == (await api.ask("GET", f"{DEFINITIONS}/{NAME}")).json
    await api.ask("POST", V1, crontab("c"))
    fallback = await api.ask("GET", f"{V1}/c", headers=ACCEPT)
    assert fallback.headers["Content-Type"] == "application/json"
    refused = await api.ask("GET", f"{V1}/c", headers={"Accept": PROTOBUF})
    assert refused.code == 406
    accept = {"Accept": PROTOBUF + METADATA.format("List")}
    many = message(await api.ask("GET", V1, headers=accept), PartialObjectMetadataList)
    assert [one.metadata.name for one in many.items] == ["c"]
    body = {"Content-Type": PROTOBUF}
    refused = await api.ask("POST", V1, secret_body("x"), headers=body)
    assert (refused.code, "protobuf marshalling interface" in refused.json["message"]) == (
        400,
        True,
    )


async def test_openapi(api: Running) -> None:
    """gnostic's form, for those who ask for it by either name; all forms have one ETag."""
    plain = await api.ask("GET", "/openapi/v2")
    for name in ("v2@v1.0", "v2.v1.0"):
        accept = {"Accept": f"application/com.github.proto-openapi.spec.{name}+protobuf"}
        answer = await api.ask("GET", "/openapi/v2", headers=accept)
        assert answer.headers["Content-Type"] == (
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        )
        assert answer.body.startswith(b"\x0a\x032.0")
        assert answer.headers["Etag"] == plain.headers["Etag"]
        known = accept | {"If-None-Match": answer.headers["Etag"]}
        assert (await api.ask("GET", "/openapi/v2", headers=known)).code == 304
    accept = {"Accept": "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"}
    third = await api.ask("GET", "/openapi/v3/api/v1", headers=accept)
    assert third.body.startswith(b"\x0a\x053.0.0")
    assert plain.headers["Content-Type"] == "application/json"
