"""What a server records of real requests at each level and stage, and the bodies of events."""

import base64
from pathlib import Path
from typing import Any

import pytest

from strongroom.server.audit.values_key import STORE_KEY
from strongroom.server.ground import StartError
from tests.server.audit.talking import EVERYTHING, Tree, events, last, of_namespace, policy, talking
from tests.server.conftest import SECRETS, Running, running, secret
from tests.server.custom import define, definition, version

PLAIN = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}
LEVELS = ("None", "Metadata", "Request", "RequestResponse")
STAGE = ["ResponseComplete"]


def maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


async def spaces(api: Running, *names: str) -> None:
    for name in names:
        made = await api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        assert made.code == 201


async def test_levels_say_how_much_is_told(tmp_path: Path) -> None:
    said = policy(*map(of_namespace, LEVELS), omitStages=["RequestReceived"])
    async with talking(tmp_path, said) as api:
        await spaces(api, *map(str.lower, LEVELS))
        told: dict[str, list[Tree]] = {}
        for level in LEVELS:
            uri = maps(level.lower())
            assert (await api.ask("POST", uri, PLAIN)).code == 201
            told[level] = events(api, uri)
    assert told["None"] == []
    for level in LEVELS[1:]:
        (event,) = told[level]
        assert (event["level"], event["stage"]) == (level, "ResponseComplete")
        assert ("requestObject" in event) is (level != "Metadata")
        assert ("responseObject" in event) is (level == "RequestResponse")
        # The URL of a create does not tell the name; the object does, at every level.
        assert event["objectRef"]["name"] == "c"


@pytest.mark.parametrize("always", [True, False])
async def test_use_of_secrets_is_recorded_unless_that_is_switched_off(
    tmp_path: Path, always: bool
) -> None:
    flag = f"--audit-secrets-always={str(always).lower()}"
    async with talking(tmp_path, policy({"level": "None"}), flag) as api:
        await api.ask("POST", SECRETS, secret("s", a="x"))
        if always:
            await api.ask("GET", f"{SECRETS}?watch=1&timeoutSeconds=1")
        await api.ask("GET", SECRETS, identity="")
        await api.ask("GET", "/api/v1/namespaces/default/pods")
        await api.ask("GET", "/api/v1/x/../secrets")
        told = [(e["verb"], e["stage"], e["level"]) for e in api.audit_events()]
    recorded = [
        ("create", "ResponseComplete", "Metadata"),
        ("watch", "ResponseStarted", "Metadata"),
        ("watch", "ResponseComplete", "Metadata"),
        ("list", "ResponseComplete", "Metadata"),
        ("get", "ResponseComplete", "Metadata"),
    ]
    assert told == (recorded if always else [])


async def test_stages(tmp_path: Path) -> None:
    async with talking(tmp_path, policy(EVERYTHING)) as api:
        await api.ask("GET", SECRETS)
        await api.ask("GET", f"{SECRETS}?watch=1&timeoutSeconds=1")
        await api.ask("GET", "/livez")
        plain, watch = events(api, SECRETS, "list"), events(api, SECRETS, "watch")
        assert [e["stage"] for e in events(api, "/livez")] == ["RequestReceived", *STAGE]
    assert [e["stage"] for e in plain] == ["RequestReceived", *STAGE]
    received = plain[0]
    assert received["stageTimestamp"] == received["requestReceivedTimestamp"]
    assert "responseStatus" not in received
    assert [e["stage"] for e in watch] == ["RequestReceived", "ResponseStarted", *STAGE]
    assert not any("responseObject" in e for e in watch)


async def test_rules_see_who_asks_and_not_as_whom(tmp_path: Path) -> None:
    rules = (
        {"level": "None", "users": ["ann"]},
        {"level": "Request", "userGroups": ["system:masters"]},
    )
    async with talking(tmp_path, policy(*rules)) as api:
        await api.ask("GET", maps("default"), headers={"Impersonate-User": "ann"})
        (event,) = events(api, maps("default"), "list")[1:]
    assert event["impersonatedUser"]["username"] == "ann"


async def test_faults_of_the_server_are_panics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("strongroom.server.verbs.create.write_context", breaks)
    async with talking(tmp_path, policy(EVERYTHING)) as api:
        assert (await api.ask("POST", maps("default"), PLAIN)).code == 500
        told = [e["stage"] for e in events(api, maps("default"))]
    assert told == ["RequestReceived", "Panic"]


def patch(kind: str) -> dict[str, str]:
    return {"Content-Type": f"application/{kind}"}


VALUE = base64.b64encode(b"value").decode()
ACCEPT = "application/json;as={};v=v1;g=meta.k8s.io"


class Told:
    """Makes requests, and tells of each what was recorded."""

    def __init__(self, api: Running) -> None:
        self._api = api

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Tree:
        await self._api.ask(method, path, body, **more)
        event = last(self._api)
        assert event["requestURI"] == path
        return event


async def test_bodies_of_secrets(tmp_path: Path) -> None:
    async with talking(tmp_path, policy(EVERYTHING, omitManagedFields=True)) as api:
        told = Told(api)
        event = await told("POST", SECRETS, secret("s", a="value"))
        stands = event["requestObject"]["stringData"]["a"]
        assert stands.startswith("hmac-sha256:")
        assert event["responseObject"]["data"] == {"a": stands}
        assert "managedFields" not in event["responseObject"]["metadata"]
        one = f"{SECRETS}/s"
        for media in (
            "application/json",
            "application/yaml",
            "application/vnd.kubernetes.protobuf",
        ):
            event = await told("GET", one, headers={"Accept": media})
            assert event["responseObject"]["data"] == {"a": stands}
            assert "requestObject" not in event
        event = await told("GET", SECRETS)
        assert event["responseObject"]["items"][0]["data"] == {"a": stands}
        for shape, where in (("Table", "rows"), ("PartialObjectMetadataList", "items")):
            event = await told("GET", SECRETS, headers={"Accept": ACCEPT.format(shape)})
            assert event["responseObject"]["kind"] == shape
            assert "data" not in event["responseObject"][where][0]
        whole = await told(
            "GET", f"{SECRETS}?includeObject=Object", headers={"Accept": ACCEPT.format("Table")}
        )
        assert whole["responseObject"]["rows"][0]["object"]["data"] == {"a": stands}
        for kind in ("merge-patch+json", "strategic-merge-patch+json"):
            event = await told("PATCH", one, {"data": {"b": VALUE}}, headers=patch(kind))
            assert event["requestObject"] == {"data": {"b": stands}}
            assert event["responseObject"]["data"] == {"a": stands, "b": stands}
        steps = [{"op": "add", "path": "/data/c", "value": VALUE}]
        event = await told("PATCH", one, steps, headers=patch("json-patch+json"))
        assert event["requestObject"] == [{**steps[0], "value": stands}]
        applied = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {c: value}\n"
        event = await told(
            "PATCH",
            f"{one}?fieldManager=m&force=1",
            applied.encode(),
            headers=patch("apply-patch+yaml"),
        )  # fmt: skip - one line for what, one for how
        assert event["requestObject"]["stringData"] == {"c": stands}
        event = await told("DELETE", one, {"propagationPolicy": "Background"})
        assert event["requestObject"] == {"propagationPolicy": "Background"}
        assert event["responseObject"]["status"] == "Success"
        event = await told("DELETE", f"{one}?gracePeriodSeconds=0")
        assert "requestObject" not in event
        assert event["responseObject"]["reason"] == "NotFound"


async def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    async with talking(tmp_path, policy(EVERYTHING)) as api:
        told = Told(api)
        for method, path, body, kind in (
            ("POST", SECRETS, b'{"stringData": {"a": "value"}', "json"),
            ("PATCH", f"{SECRETS}/s", b'{"stringData": {"a": "value"}', "merge-patch+json"),
            ("PATCH", f"{SECRETS}/s", b"a: [value", "apply-patch+yaml"),
            ("PATCH", f"{SECRETS}/s", b"value", "text"),
        ):
            event = await told(method, path, body, headers=patch(kind))
            assert event["responseStatus"]["code"] >= 400
            assert "requestObject" not in event
            # What is said of a write may quote it.
            assert "message" not in event["responseObject"]
            assert event["responseObject"]["code"] == event["responseStatus"]["code"]


async def test_bodies_of_tokens_and_reviews(tmp_path: Path) -> None:
    async with talking(tmp_path, policy(EVERYTHING)) as api:
        told = Told(api)
        accounts = "/api/v1/namespaces/default/serviceaccounts"
        await told("POST", accounts, {"metadata": {"name": "bot"}})
        given = await api.ask("POST", f"{accounts}/bot/token", {"spec": {}})
        token = given.json["status"]["token"]
        event = last(api)
        stands = event["responseObject"]["status"]["token"]
        review = {"spec": {"token": token}}
        event = await told("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
        assert event["requestObject"]["spec"]["token"] == stands
        assert event["responseObject"]["spec"]["token"] == stands
        assert event["responseObject"]["status"]["authenticated"] is True


async def test_bodies_of_subresources_and_custom_kinds(tmp_path: Path) -> None:
    async with talking(tmp_path, policy(EVERYTHING)) as api:
        told = Told(api)
        text = {"type": "string", "format": "password"}
        spec = {"type": "object", "properties": {"pin": text, "n": {"type": "integer"}}}
        scale = {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}
        columns = [{"name": "Pin", "type": "string", "jsonPath": ".spec.pin"}]
        made = version(
            schema={"type": "object", "properties": {"spec": spec}},
            subresources={"scale": scale},
            additionalPrinterColumns=columns,
        )
        await define(api, definition(made, plural="safes", kind="Safe", group="a.b"))
        safes = "/apis/a.b/v1/namespaces/default/safes"
        body = {"apiVersion": "a.b/v1", "kind": "Safe", "metadata": {"name": "x"}}
        event = await told("POST", safes, {**body, "spec": {"pin": "1234567", "n": 1}})
        stands = event["requestObject"]["spec"]["pin"]
        assert event["responseObject"]["spec"] == {"pin": stands, "n": 1}
        event = await told("GET", safes, headers={"Accept": ACCEPT.format("Table")})
        assert stands in event["responseObject"]["rows"][0]["cells"]
        event = await told("GET", f"{safes}/x/scale")
        assert event["responseObject"]["kind"] == "Scale"
        kept = '{"spec":{"pin":"1234567"}}'
        note = {
            "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": kept}}
        }
        event = await told("PATCH", f"{safes}/x", note, headers=patch("merge-patch+json"))
        assert "1234567" not in str(event)
        assert stands in str(event["requestObject"])


async def test_objects_of_lists_are_all_redacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.server.audit.bodies._PIECE", 3)
    async with talking(tmp_path, policy(EVERYTHING)) as api:
        for number in range(7):
            await api.ask("POST", SECRETS, secret(f"s{number}", a="value"))
        event = await Told(api)("GET", SECRETS)
        items = event["responseObject"]["items"]
        assert len(items) == 7
        assert len({item["data"]["a"] for item in items}) == 1
        assert VALUE not in str(items)


async def test_equal_values_look_equal_after_a_restart(tmp_path: Path) -> None:
    seen = []
    for name in ("a", "b"):
        async with talking(tmp_path, policy(EVERYTHING)) as api:
            event = await Told(api)("POST", SECRETS, secret(name, k="value"))
            seen.append(event["requestObject"]["stringData"]["k"])
    assert seen[0] == seen[1]
    async with talking(tmp_path / "other", policy(EVERYTHING)) as api:
        event = await Told(api)("POST", SECRETS, secret("a", k="value"))
        assert event["requestObject"]["stringData"]["k"] != seen[0]


async def test_without_bodies_no_key_is_made(tmp_path: Path) -> None:
    async with talking(tmp_path, policy({"level": "Metadata"})) as api:
        await api.ask("GET", SECRETS)
    store = tmp_path / "data" / "store"
    assert not any(STORE_KEY.encode() in path.read_bytes() for path in store.iterdir())


async def test_a_wrong_policy_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"rules\[0\]\.level: Required value"):
        async with talking(tmp_path, policy({})):
            pass
    with pytest.raises(StartError, match="failed to read file path"):
        async with running(tmp_path, "--audit-policy-file", str(tmp_path / "none")):
            pass
