"""Secrets of which only a part may be seen: metadata, or single keys."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.server.authorization.conftest import Cluster, can, to
from tests.server.conftest import Answer, secret

pytestmark = pytest.mark.asyncio(loop_scope="module")

VALUE = "a-value-that-nobody-may-see"
OTHER = "the-value-that-some-may-see"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
KUBECTL = f"{TABLE},application/json;as=Table;g=meta.k8s.io;v=v1beta1,application/json"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PROTOBUF = "application/vnd.kubernetes.protobuf"


def encodings(value: str) -> list[bytes]:
    """What must not be in an answer."""
    return [value.encode(), base64.b64encode(value.encode())[:-4]]


class Place:
    """A namespace with a Secret in it, of which one key is ``password``."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.secrets = f"/api/v1/namespaces/{namespace}/secrets"
        self.db = f"{self.secrets}/db"

    async def begin(self) -> None:
        namespace = {"metadata": {"name": self.namespace}}
        assert (await self.cluster.ask("", "POST", "/api/v1/namespaces", namespace)).code == 201
        made = secret("db", password=OTHER, **{"tls.key": VALUE, "user": VALUE + "2"})
        made["metadata"] |= {
            "labels": {"app": "shop"},
            "annotations": {"note": "says nothing", "told": "of tls.key and more"},
        }
        assert (await self.cluster.ask("", "POST", self.secrets, made)).code == 201

    async def give(self, user: str, *rules: dict[str, Any]) -> None:
        await self.cluster.make("roles", self.namespace, user, rules=list(rules))
        await self.cluster.make("rolebindings", self.namespace, user, **to(user, user, "Role"))

    async def get(self, user: str, path: str, accept: str = "", method: str = "GET") -> Answer:
        headers = {"Impersonate-User": user} if user else {}
        if accept:
            headers["Accept"] = accept
        return await self.cluster.api.ask(method, path, headers=headers)

    async def change(self, **data: str) -> None:
        body = json.dumps({"stringData": data}).encode()
        kind = {"Content-Type": "application/merge-patch+json"}
        answer = await self.cluster.api.ask("PATCH", self.db, body, headers=kind)
        assert answer.code == 200, answer.body


async def place(cluster: Cluster, namespace: str) -> Place:
    made = Place(cluster, namespace)
    await made.begin()
    return made


READ_METADATA = can("get list watch", "secrets/metadata")


@pytest.mark.parametrize(
    ("path", "accept", "code"),
    [
        ("", KUBECTL, 200),
        ("", TABLE, 200),
        ("?includeObject=None", TABLE, 200),
        ("?includeObject=Metadata", TABLE, 200),
        ("?includeObject=Object", TABLE, 403),
        ("?includeObject=Object&includeObject=None", TABLE, 403),
        ("?includeObject=Nothing", TABLE, 403),
        ("", PARTIAL_LIST, 200),
        ("", f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", 200),
        ("", "application/yaml;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", 200),
        ("?fieldSelector=type%3DOpaque&labelSelector=app%3Dshop", PARTIAL_LIST, 200),
        ("", "", 403),
        ("", "*/*", 403),
        ("", "application/json", 403),
        ("", "application/yaml", 403),
        ("", PROTOBUF, 403),
        ("?pretty=true", "application/json", 403),
        ("", f"{PARTIAL_LIST};q=0.1,application/json", 403),
        ("", f"application/json,{PARTIAL_LIST}", 403),
        ("", f"{PARTIAL_LIST},application/json", 200),
        # A form that a list does not have: the next one counts, which holds values.
        ("", f"{PARTIAL},application/json", 403),
        ("", f"{TABLE};stream=other,application/json", 403),
        ("", PARTIAL_LIST.replace("v1", "v9") + ",application/json", 403),
        ("", "text/html", 403),
        ("", PARTIAL_LIST + "," + "x" * 5000, 403),
        ("/db", TABLE, 200),
        ("/db", PARTIAL, 200),
        ("/db", f"{PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1", 200),
        ("/db", "application/json", 403),
        ("/db", f"{PARTIAL_LIST},application/json", 403),
        ("/db", f"{TABLE},{PARTIAL}", 200),
        ("/none", TABLE, 404),
        ("/none", "application/json", 403),
        (
            "?watch=true&timeoutSeconds=1",
            f"{PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            200,
        ),
        ("?watch=true&timeoutSeconds=1&sendInitialEvents=false", "application/json", 403),
        ("/db/metadata", PARTIAL, 404),
        ("/db/keys", PARTIAL, 403),
    ],
)
async def test_who_may_see_metadata_sees_no_values_in_any_form(
    metadata: Place, path: str, accept: str, code: int
) -> None:
    answer = await metadata.get("meg", metadata.secrets + path, accept)
    assert answer.code == code, answer.body
    for text in (*encodings(VALUE), *encodings(OTHER), b"f:password"):
        assert text not in answer.body
    if code == 403 and "/keys" not in path:
        assert b"only secrets/metadata is allowed" in answer.body


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def metadata(cluster: Cluster) -> Place:
    """A place where ``meg`` may see metadata."""
    made = await place(cluster, "metadata")
    await made.give("meg", READ_METADATA)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keys(cluster: Cluster) -> Place:
    """A place where ``kay`` may read one key, and ``kai`` all of one Secret."""
    made = await place(cluster, "keys")
    await made.give("kay", can("get list watch", "secrets/keys", resourceNames=["db/password"]))
    await made.give("kai", can("get list watch", "secrets/keys", resourceNames=["db/*"]))
    await made.give("kim", can("get", "secrets/keys"))
    await made.give("kit", can("get", "secrets/keys", resourceNames=["db/nothing"]))
    return made


async def test_a_table_of_metadata_tells_types_and_numbers_of_keys(metadata: Place) -> None:
    table = (await metadata.get("meg", metadata.secrets, KUBECTL)).json
    (row,) = table["rows"]
    assert row["cells"][:3] == ["db", "Opaque", 3]
    assert row["object"]["metadata"]["annotations"]["told"] == "of tls.key and more"
    owned = row["object"]["metadata"]["managedFields"][0]["fieldsV1"]
    assert owned["f:data"] == {}
    assert "f:app" in owned["f:metadata"]["f:labels"]


async def test_rights_to_metadata_may_be_limited_to_names(cluster: Cluster) -> None:
    here = await place(cluster, "named")
    await here.cluster.ask("", "POST", here.secrets, secret("other", key=VALUE))
    rule = can("get list watch", "secrets/metadata", resourceNames=["db"])
    await here.give("ned", rule)
    one = f"{here.secrets}?fieldSelector=metadata.name%3D"
    assert (await here.get("ned", f"{one}db", TABLE)).code == 200
    assert (await here.get("ned", f"{one}other", TABLE)).code == 403
    assert (await here.get("ned", here.secrets, TABLE)).code == 403
    assert (await here.get("ned", f"{here.secrets}/other", PARTIAL)).code == 403
    for method in ("HEAD", "OPTIONS", "DELETE", "PATCH", "PUT"):
        assert (await here.get("ned", here.db, PARTIAL, method)).code in (403, 405)
    assert (await here.get("ned", here.secrets, TABLE, "DELETE")).code == 403
    assert (await here.get("", here.db)).code == 200


async def test_a_page_of_metadata_leads_to_no_values(metadata: Place) -> None:
    for name in ("page-1", "page-2"):
        await metadata.cluster.ask("", "POST", metadata.secrets, secret(name, key=VALUE))
    first = (await metadata.get("meg", f"{metadata.secrets}?limit=1", PARTIAL_LIST)).json
    further = f"{metadata.secrets}?limit=5&continue={first['metadata']['continue']}"
    assert (await metadata.get("meg", further)).code == 403
    rest = (await metadata.get("meg", further, PARTIAL_LIST)).json
    names = [item["metadata"]["name"] for item in first["items"] + rest["items"]]
    assert names == ["db", "page-1", "page-2"]


async def test_one_key_and_nothing_of_the_others(keys: Place) -> None:
    answer = await keys.get("kay", keys.db)
    found = answer.json
    assert found["data"] == {"password": base64.b64encode(OTHER.encode()).decode()}
    assert found["type"] == "Opaque"
    assert found["metadata"]["annotations"] == {"note": "says nothing"}
    assert found["metadata"]["labels"] == {"app": "shop"}
    (owner,) = found["metadata"]["managedFields"]
    assert owner["fieldsV1"]["f:data"] == {"f:password": {}}
    for text in (*encodings(VALUE), b"tls.key", b"f:user"):
        assert text not in answer.body
    table = (await keys.get("kay", keys.db, TABLE)).json
    assert table["rows"][0]["cells"][:3] == ["db", "Opaque", 1]
    assert b"tls.key" not in (await keys.get("kay", keys.db, PARTIAL)).body


@pytest.mark.parametrize("accept", ["", "application/yaml", PROTOBUF, f"{PROTOBUF},*/*"])
async def test_other_keys_are_in_no_form(keys: Place, accept: str) -> None:
    for path in ("/db", "?fieldSelector=metadata.name%3Ddb"):
        answer = await keys.get("kay", keys.secrets + path, accept)
        assert answer.code == 200
        shown = encodings(OTHER)[0 if accept.startswith(PROTOBUF) else 1]
        assert shown in answer.body
        for text in (*encodings(VALUE), b"tls.key", b"f:user"):
            assert text not in answer.body


@pytest.mark.parametrize(
    ("user", "path", "code"),
    [
        ("kay", "/none", 403),
        ("kay", "", 403),
        ("kay", "?fieldSelector=metadata.name%3Dnone", 403),
        ("kay", "?fieldSelector=metadata.name!%3Ddb", 403),
        ("kay", "?fieldSelector=type%3DOpaque", 403),
        ("kay", "/db/keys", 403),
        ("kai", "/db", 200),
        ("kai", "/none", 403),
        ("kim", "/db", 200),
        ("kim", "/none", 404),
        ("kim", "?fieldSelector=metadata.name%3Ddb", 403),
        ("kit", "/db", 200),
        ("nobody", "/db", 403),
    ],
)
async def test_whoever_has_no_rule_for_a_secret_learns_nothing_of_it(
    keys: Place, user: str, path: str, code: int
) -> None:
    answer = await keys.get(user, keys.secrets + path)
    assert answer.code == code, answer.body
    if code == 403:
        unknown = (await keys.get("nobody", keys.secrets + path)).json["message"]
        assert answer.json["message"] == unknown.replace("nobody", user)
    if user == "kit":
        assert "data" not in answer.json
    if user == "kai" and code == 200:
        assert set(answer.json["data"]) == {"password", "tls.key", "user"}


async def test_a_key_that_was_read_is_on_record(keys: Place) -> None:
    await keys.get("kay", keys.db)
    events = [e for e in keys.cluster.api.audit_events() if "kay" in json.dumps(e)]
    told = events[-1]["annotations"]
    assert told["secrets.strongroom.io/keys"] == "password"
    assert told["authorization.k8s.io/decision"] == "allow"
    assert told["authorization.k8s.io/reason"] == (
        'secrets/keys: RBAC: allowed by RoleBinding "kay/keys" of Role "kay" to User "kay"'
    )


class Watching:
    """A watch that is read line by line."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self) -> dict[str, Any]:
        line = await asyncio.wait_for(self._response.content.readline(), 20)
        event: dict[str, Any] = json.loads(line)
        return event


@contextlib.asynccontextmanager
async def watching(
    here: Place, user: str, accept: str = "", **query: str
) -> AsyncIterator[Watching]:
    asked = {"watch": "true", "timeoutSeconds": "60", **query}
    headers = {"Accept": accept or "application/json"}
    if user:
        headers["Impersonate-User"] = user
    session = here.cluster.api.session()
    async with session.get(here.secrets, params=asked, headers=headers) as response:
        assert response.status == 200, await response.read()
        yield Watching(response)


async def test_a_watch_of_a_key_tells_of_this_key(cluster: Cluster) -> None:
    here = await place(cluster, "watched")
    await here.give("kay-w", can("list watch", "secrets/keys", resourceNames=["db/password"]))
    async with watching(here, "kay-w", fieldSelector="metadata.name=db") as watch:
        assert (await watch.next())["type"] == "ADDED"
        await here.change(user="changed-" + VALUE)
        await here.change(more=VALUE)
        await here.change(password="new")
        event = await watch.next()
        assert (event["type"], event["object"]["data"]) == ("MODIFIED", {"password": "bmV3"})
        assert (await here.get("", here.db)).json["metadata"]["resourceVersion"] == (
            event["object"]["metadata"]["resourceVersion"]
        )
        body = json.dumps({"data": {"password": None}}).encode()
        kind = {"Content-Type": "application/merge-patch+json"}
        await cluster.api.ask("PATCH", here.db, body, headers=kind)
        assert "data" not in (await watch.next())["object"]
        await here.change(password="again")
        assert (await watch.next())["object"]["data"] == {"password": "YWdhaW4="}
        await here.change(user="last")
        await cluster.api.ask("DELETE", here.db)
        gone = await watch.next()
        assert gone["type"] == "DELETED"
        assert gone["object"]["data"] == {"password": "YWdhaW4="}


async def test_a_watch_that_goes_on_from_a_list_tells_of_no_other_key(cluster: Cluster) -> None:
    here = await place(cluster, "resumed")
    await here.give("kay-r", can("list watch", "secrets/keys", resourceNames=["db/password"]))
    listed = (await here.get("kay-r", f"{here.secrets}?fieldSelector=metadata.name%3Ddb")).json
    since = listed["metadata"]["resourceVersion"]
    asked = {"fieldSelector": "metadata.name=db", "resourceVersion": since}
    async with watching(here, "kay-r", **asked) as watch, watching(here, "", **asked) as whole:
        await here.change(user="changed")
        assert (await whole.next())["object"]["data"]["user"] == "Y2hhbmdlZA=="
        await here.change(password="new")
        assert (await watch.next())["object"]["data"] == {"password": "bmV3"}


async def test_a_watch_of_a_key_may_begin_with_what_is_there(keys: Place) -> None:
    query = {
        "fieldSelector": "metadata.name=db",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    async with watching(keys, "kay", **query) as watch:
        assert set((await watch.next())["object"]["data"]) == {"password"}
        end = await watch.next()
        assert end["type"] == "BOOKMARK"
        assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_a_watch_of_metadata_tells_of_every_change_without_values(cluster: Cluster) -> None:
    here = await place(cluster, "seen")
    await here.give("meg-w", READ_METADATA)
    bookmarks = {"allowWatchBookmarks": "true", "sendInitialEvents": "true"}
    since = {"resourceVersionMatch": "NotOlderThan"}
    async with (
        watching(here, "meg-w", KUBECTL, **bookmarks, **since) as table,
        watching(here, "meg-w", PARTIAL, **bookmarks, **since) as partial,
    ):
        first = await table.next()
        assert first["object"]["rows"][0]["cells"][:3] == ["db", "Opaque", 3]
        assert (await table.next())["type"] == "BOOKMARK"
        assert (await partial.next())["object"]["kind"] == "PartialObjectMetadata"
        end = await partial.next()
        assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        await here.change(more=VALUE)
        for text in (json.dumps(await table.next()), json.dumps(await partial.next())):
            assert "MODIFIED" in text
            assert not any(value.decode() in text for value in encodings(VALUE))
        await cluster.api.ask("DELETE", here.db)
        assert (await table.next())["type"] == "DELETED"
        assert (await partial.next())["type"] == "DELETED"


async def test_who_may_read_secrets_may_give_a_part_of_them(cluster: Cluster) -> None:
    here = await place(cluster, "given")
    write = can("create", "roles", "rbac.authorization.k8s.io")
    await here.give("whole", write, can("get", "secrets"))
    await here.give("named", write, can("get", "secrets", resourceNames=["db"]))
    await here.give("part", write, can("get", "secrets/metadata"))
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{here.namespace}/roles"

    async def gives(user: str, verbs: str, resource: str, *names: str) -> bool:
        name = f"{user}-{abs(hash((verbs, resource, names)))}"
        limits: dict[str, Any] = {"resourceNames": list(names)} if names else {}
        role = {"metadata": {"name": name}, "rules": [can(verbs, resource, **limits)]}
        return (await cluster.ask(user, "POST", roles, role)).code == 201

    assert await gives("whole", "get", "secrets/metadata")
    assert await gives("whole", "get", "secrets/keys")
    assert await gives("whole", "get", "secrets/keys", "db/password")
    assert not await gives("whole", "list", "secrets/metadata")
    assert not await gives("whole", "get", "configmaps/keys")
    assert await gives("named", "get", "secrets/metadata", "db")
    assert await gives("named", "get", "secrets/keys", "db/password", "db/*")
    assert not await gives("named", "get", "secrets/keys", "db/password", "other/password")
    assert not await gives("named", "get", "secrets/keys")
    assert not await gives("named", "get", "secrets/keys", "db")
    assert not await gives("part", "get", "secrets")
    assert not await gives("part", "get", "secrets/keys")
