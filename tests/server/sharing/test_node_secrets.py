"""What a node is shown of references: by get and list, by watch, and when it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strongroom.api.audit import GRANTED_BY
from strongroom.resources.secret_reference import FROM
from tests.server.sharing.conftest import ELSEWHERE, NODE, Vaults, reference

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE, TWO = {"password": "b25l"}, {"password": "dHdv"}


async def test_a_node_is_given_what_is_granted_and_nobody_else(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    await vaults.secret(vault, "db", password="one", user="ann")
    made = await vaults.reference(shop, "mine", f"{vault}/db")
    await vaults.pod(shop, "web", "mine")
    assert await vaults.shown(shop, "mine") is None

    await vaults.grant(vault, shop, keys=("password",))
    path = f"/api/v1/namespaces/{shop}/secrets"
    shown = (await vaults.ask("GET", f"{path}/mine", node=NODE)).json
    assert shown["data"] == ONE
    assert shown["type"] == "Opaque"
    meta = shown["metadata"]
    assert (meta["name"], meta["namespace"], meta["uid"]) == ("mine", shop, made["metadata"]["uid"])
    listed = await vaults.ask("GET", f"{path}?fieldSelector=metadata.name%3Dmine", node=NODE)
    assert [item["data"] for item in listed.json["items"]] == [ONE]

    assert (await vaults.done("GET", f"{path}/mine")).get("data") is None, "people see no value"
    elsewhere = await vaults.ask("GET", f"{path}/mine", node=ELSEWHERE)
    assert elsewhere.code == 403, "no pod of that node uses it"
    behind = await vaults.ask("GET", f"/api/v1/namespaces/{vault}/secrets/db", node=NODE)
    assert behind.code == 403, "the owner's URL stays closed"


async def test_only_accounts_that_are_named_are_given_it(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    await vaults.secret(vault, "db", password="one", user="ann")
    await vaults.reference(shop, "db", f"{vault}/db")
    await vaults.grant(vault, shop, accounts=("web",), keys=("password",))
    await vaults.pod(shop, "job", "db", account="job")
    assert await vaults.shown(shop, "db") is None
    await vaults.pod(shop, "web", "db", account="web")
    path = f"/api/v1/namespaces/{shop}/secrets/db"
    shown = (await vaults.ask("GET", path, node=NODE)).json
    assert shown["data"] == ONE
    assert shown["metadata"]["annotations"]["strongroom.io/granted"] == '{"web":["password"]}'


async def test_every_way_to_end_it_ends_it_with_the_next_request(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    await vaults.secret(vault, "db", password="one", user="ann")
    await vaults.reference(shop, "db", f"{vault}/db")
    await vaults.grant(vault, shop)
    await vaults.pod(shop, "web", "db")
    secrets = f"/api/v1/namespaces/{shop}/secrets"

    assert set(await vaults.shown(shop, "db") or ()) == {"password", "user"}
    await vaults.grant(vault, shop, keys=("password",))
    assert await vaults.shown(shop, "db") == ONE, "a key less"
    await vaults.grant(vault, "elsewhere")
    assert await vaults.shown(shop, "db") is None, "another namespace"
    await vaults.grant(vault, shop, keys=("password",))
    await vaults.revoke(vault)
    assert await vaults.shown(shop, "db") is None, "no grant"
    await vaults.grant(vault, shop, keys=("password",))
    await vaults.done("DELETE", f"/api/v1/namespaces/{vault}/secrets/db")
    assert await vaults.shown(shop, "db") is None, "no Secret"
    await vaults.secret(vault, "db", password="two")
    assert await vaults.shown(shop, "db") == TWO
    await vaults.done("DELETE", f"{secrets}/db")
    assert await vaults.shown(shop, "db") is None, "no reference"


async def test_a_watch_follows_values_grants_and_pods(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    await vaults.secret(vault, "db", password="one")
    await vaults.reference(shop, "db", f"{vault}/db")
    await vaults.pod(shop, "web", "db", account="web")
    revisions = []
    async with vaults.watching(shop, "db") as watch:

        async def told(kind: str, data: dict[str, str]) -> None:
            *what, revision = await watch.next()
            assert what == [kind, data]
            revisions.append(revision)

        await vaults.grant(vault, shop, accounts=("web",))
        await told("ADDED", ONE)
        await vaults.change(vault, "db", password="two", other="x")
        await told("MODIFIED", TWO | {"other": "eA=="})
        await vaults.grant(vault, shop, accounts=("web",), keys=("password",))
        await told("MODIFIED", TWO)
        await vaults.revoke(vault)
        await told("DELETED", {})
        await vaults.grant(vault, shop, accounts=("web",), keys=("password",))
        await told("ADDED", TWO)
        await vaults.done("DELETE", f"/api/v1/namespaces/{shop}/pods/web?gracePeriodSeconds=0")
        await told("DELETED", {})
        await vaults.pod(shop, "web", "db", account="web")
        await told("ADDED", TWO)
        await vaults.done("DELETE", f"/api/v1/namespaces/{shop}/secrets/db")
        await told("DELETED", {})
        await vaults.secret(shop, "db", password="two")
        await told("ADDED", TWO)
    assert revisions == sorted(set(revisions))


async def test_a_watch_that_goes_on_tells_of_what_it_missed(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    await vaults.secret(vault, "db", password="one")
    await vaults.reference(shop, "db", f"{vault}/db")
    await vaults.grant(vault, shop)
    await vaults.pod(shop, "web", "db")
    path = f"/api/v1/namespaces/{shop}/secrets?fieldSelector=metadata.name%3Ddb"
    listed = (await vaults.ask("GET", path, node=NODE)).json
    revision = listed["metadata"]["resourceVersion"]
    async with vaults.watching(shop, "db", revision) as watch:
        await vaults.change(vault, "db", password="two")
        assert (await watch.next())[:2] == ("MODIFIED", TWO), "and nothing before it"
    async with vaults.watching(shop, "db", revision) as watch:
        assert (await watch.next())[:2] == ("MODIFIED", TWO)
    await vaults.revoke(vault)
    async with vaults.watching(shop, "db", revision) as watch:
        assert (await watch.next())[:2] == ("DELETED", {})


async def test_nobody_passes_on_what_was_shared(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    other, _ = await vaults.namespaces()
    await vaults.secret(vault, "db", password="one")
    await vaults.reference(shop, "db", f"{vault}/db")
    await vaults.grant(vault, shop)
    await vaults.reference(other, "db", f"{shop}/db")
    await vaults.grant(shop, other)
    await vaults.pod(other, "web", "db")
    assert await vaults.shown(other, "db") is None


async def test_nothing_tells_what_is_not_granted_from_what_is_not_there(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    _, other = await vaults.namespaces()
    await vaults.secret(vault, "ungranted", password="one")
    await vaults.secret(vault, "others", password="one")
    await vaults.grant(vault, other, "others", grant="a")
    await vaults.secret(vault, "lesskeys", password="one")
    await vaults.grant(vault, shop, "lesskeys", keys=("token",), grant="b")
    await vaults.grant(vault, shop, "nosecret", grant="c")
    await vaults.secret(vault, "accounts", password="one")
    await vaults.grant(vault, shop, "accounts", accounts=("job",), grant="d")
    names = ("absentone", "ungranted", "others", "lesskeys", "nosecret", "accounts")
    answers = [await _all_answers(vaults, vault, shop, name) for name in names]
    assert [answer for answer in answers if answer != answers[0]] == []


async def _all_answers(vaults: Vaults, vault: str, shop: str, name: str) -> list[Any]:
    """Every answer about a reference, with what differs by right made the same."""
    path = f"/api/v1/namespaces/{shop}/secrets"
    made = await vaults.ask("POST", path, reference(name, f"{vault}/{name}"))
    meta = made.json["metadata"]
    answers = [made, await vaults.ask("POST", path, reference(name, f"{vault}/{name}"))]
    await vaults.pod(shop, name, name)
    for query in (f"/{name}", f"?fieldSelector=metadata.name%3D{name}"):
        answers += [await vaults.ask("GET", path + query, node=node) for node in ("", NODE)]
    async with vaults.watching(shop, name, initial=True) as watch:
        watched = (await watch.next())[:2]
    assert watched == ("BOOKMARK", {}), "and no object before it"
    pod = await vaults.ask("GET", f"/api/v1/namespaces/{shop}/pods/{name}")
    answers += [pod, await vaults.ask("DELETE", f"{path}/{name}")]
    uids = [meta["uid"], pod.json["metadata"]["uid"]]
    return [watched, *(_same(answer, name, uids) for answer in answers)]


def _same(answer: Any, name: str, uids: list[str]) -> Any:
    text = answer.body.decode().replace(name, "NAME")
    for uid in uids:
        text = text.replace(uid, "UID")
    tree = _without(json.loads(text))
    warnings = [w.replace(name, "NAME") for w in answer.headers.getall("Warning", [])]
    return answer.code, warnings, tree


def _without(tree: Any) -> Any:
    """Without revisions and times, which differ from one request to the next."""
    if isinstance(tree, list):
        return [_without(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    told = ("resourceVersion", "creationTimestamp", "time", "managedFields")
    return {key: _without(value) for key, value in tree.items() if key not in told}


async def test_reads_by_a_grant_are_on_record(vaults: Vaults) -> None:
    vault, shop = await vaults.namespaces()
    await vaults.secret(vault, "db", password="one")
    await vaults.reference(shop, "db", f"{vault}/db")
    await vaults.grant(vault, shop, grant="to-shop")
    await vaults.pod(shop, "web", "db")
    assert await vaults.shown(shop, "db") == ONE
    (event,) = (
        event
        for event in vaults.api.audit_events()
        if GRANTED_BY in event.get("annotations", {})
        and event["objectRef"]["namespace"] == shop
        and event["stage"] == "ResponseComplete"
    )
    assert event["annotations"][GRANTED_BY] == f"{vault}/db by to-shop"


@pytest.mark.parametrize("name", ["mine", "plain"])
async def test_what_a_reference_stands_for_cannot_be_changed(vaults: Vaults, name: str) -> None:
    vault, shop = await vaults.namespaces()
    await vaults.reference(shop, "mine", f"{vault}/db")
    await vaults.secret(shop, "plain", password="one")
    body = {"metadata": {"annotations": {FROM: f"{vault}/other"}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    path = f"/api/v1/namespaces/{shop}/secrets/{name}"
    answer = await vaults.api.ask("PATCH", path, body, headers=headers)
    assert answer.code == (422 if name == "mine" else 200)
