"""`strongroom secret users` and `unused`: every way of naming a Secret, and last reads."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from strongroom.client.client import Client
from strongroom.client.discovery import discover
from strongroom.client.secret_graph import read_graph
from tests.cli.secret.conftest import Room
from tests.waiting import eventually

POD = {"containers": [{"name": "c", "image": "i"}]}
LABELS = {"app": "a"}
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def _definition(plural: str, kind: str, scope: str) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind}
    group = "users.example.com"
    spec = {"group": group, "scope": scope, "names": names, "versions": [version]}
    return {"metadata": {"name": f"{plural}.{group}"}, "spec": spec}


def _post(room: Room, path: str, name: str, **body: Any) -> None:
    content = msgspec.json.encode({"metadata": {"name": name}, **body})

    async def post(client: Client) -> None:
        await client.request("POST", path, body=content)

    room.ask(post)


def _in(room: Room, api: str, plural: str) -> str:
    return f"{api}/namespaces/{room.namespace}/{plural}"


def _rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def _everything(room: Room, name: str) -> None:
    """One object of each sort that names the Secret."""
    volume = {"name": "v", "secret": {"secretName": name, "optional": True}}
    _post(room, _in(room, "/api/v1", "pods"), "pod", spec=POD | {"volumes": [volume]})
    template = {
        "metadata": {"labels": LABELS},
        "spec": POD | {"imagePullSecrets": [{"name": name}]},
    }
    spec = {"selector": {"matchLabels": LABELS}, "template": template}
    _post(room, _in(room, "/apis/apps/v1", "deployments"), "web", spec=spec)
    accounts = _in(room, "/api/v1", "serviceaccounts")
    _post(room, accounts, "robot", imagePullSecrets=[{"name": name}])
    backend = {"service": {"name": "x", "port": {"number": 80}}}
    tls = {"defaultBackend": backend, "tls": [{"secretName": name}]}
    _post(room, _in(room, "/apis/networking.k8s.io/v1", "ingresses"), "site", spec=tls)


def _custom(room: Room) -> None:
    """Two kinds of which nobody has heard, served."""
    for definition in (
        _definition("locks", "Lock", "Namespaced"),
        _definition("vaults", "Vault", "Cluster"),
    ):

        async def make(client: Client, content: bytes = msgspec.json.encode(definition)) -> None:
            await client.request("POST", CRDS, body=content)

        room.ask(make)

    async def served(client: Client) -> bool:
        found = await discover(client)
        return all(found.find("users.example.com/v1", kind) for kind in ("Lock", "Vault"))

    eventually(lambda: room.ask(served))


def test_who_names_a_secret_and_where(room: Room) -> None:
    room.create("vaulted", password=b"x")
    _everything(room, "vaulted")
    _custom(room)
    custom = "/apis/users.example.com/v1"
    lock = {"apiVersion": "users.example.com/v1", "kind": "Lock"}
    reference = {"passwordSecretRef": {"name": "vaulted"}}
    _post(room, _in(room, custom, "locks"), "lock", **lock, spec=reference)
    vault, vaults = lock | {"kind": "Vault"}, f"{custom}/vaults"
    _post(room, vaults, f"vague-{room.namespace}", **vault, spec={"secretName": "vaulted"})
    elsewhere = {"secretRef": {"name": "vaulted", "namespace": "elsewhere"}}
    _post(room, vaults, f"other-{room.namespace}", **vault, spec=elsewhere)
    text = room.done("users", "vaulted")
    told, last = text.rsplit("\n", 2)[0], text.splitlines()[-1]
    assert _rows(told) == [
        ["KIND", "NAME", "FIELD", "NOTE"],
        ["Deployment", "web", "spec.template.spec.imagePullSecrets[0].name"],
        ["Ingress", "site", "spec.tls[0].secretName"],
        ["Lock", "lock", "spec.passwordSecretRef.name"],
        ["Pod", "pod", "spec.volumes[0].secret.secretName", "optional"],
        ["ServiceAccount", "robot", "imagePullSecrets[0].name"],
        ["Vault", f"vague-{room.namespace}", "spec.secretName", "namespace", "not", "told"],
    ]
    assert last == "Last read: not since the server keeps account of it"
    tree = json.loads(room.done("users", "vaulted", "-o", "json"))
    assert tree["reads"] == []
    assert tree["users"][3] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": room.namespace,
        "name": "pod",
        "path": "spec.volumes[0].secret.secretName",
        "optional": True,
        "ended": False,
        "certain": True,
    }


def test_a_secret_that_is_missing_may_be_named_all_the_same(room: Room) -> None:
    _everything(room, "lost")
    result = room.run("users", "lost")
    assert result.exit_code == 0
    assert f'there is no Secret "lost" in namespace {room.namespace}' in result.stderr
    assert len(_rows(result.stdout)) == 6


def test_the_last_read_is_told(room: Room) -> None:
    room.create("db", password=b"x")
    assert 'Nothing names the Secret "db".' in room.done("users", "db")
    room.get("db")

    def told() -> str:
        text = room.done("users", "db")
        return text if "within the hour" in text else ""

    text = eventually(told)
    assert text.splitlines()[-1].endswith("(get)")
    (secret,) = json.loads(room.done("unused", "-o", "json"))["secrets"]
    assert secret["lastRead"]["verb"] == "get"
    (_, row) = room.done("unused").splitlines()
    assert "within the hour by" in row


def test_unused_are_those_that_nothing_names_and_nothing_else_needs(room: Room) -> None:
    room.create("db", password=b"x")
    room.create("free", password=b"x")
    room.create("release", "helm.sh/release.v1", release=b"x")
    _everything(room, "db")
    assert [row[0] for row in _rows(room.done("unused"))] == ["NAME", "free"]
    assert [row[0] for row in _rows(room.done("unused", "--all"))] == ["NAME", "free", "release"]
    rows = _rows(room.done("unused", "-A"))
    assert rows[0][:2] == ["NAMESPACE", "NAME"]
    assert [room.namespace, "free"] in [row[:2] for row in rows]


def test_nothing_unused_is_said_beside_the_output(room: Room) -> None:
    result = room.run("unused")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith(f"No Secrets in namespace {room.namespace}.")
    room.create("token", "bootstrap.kubernetes.io/token")
    assert "Every Secret is named" in room.run("unused").stderr


def test_the_graph_never_reads_secrets(room: Room) -> None:
    room.create("db", password=b"x")

    async def read(client: Client) -> list[str]:
        asked: list[str] = []
        request = client.transport.request

        async def recording(method: str, path: str, **more: Any) -> Any:
            asked.append(path)
            return await request(method, path, **more)

        client.transport.request = recording  # type: ignore[method-assign]  # looks on only
        await read_graph(client, await discover(client))
        return asked

    asked = room.ask(read)
    assert "/api/v1/pods" in asked
    assert not [path for path in asked if "secret" in path]


def test_what_one_may_not_see_is_said_and_the_rest_is_told(room: Room) -> None:
    rules = [
        {"apiGroups": [""], "resources": ["secrets", "pods"], "verbs": ["get", "list"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["list"]},
    ]
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    _post(room, _in(room, rbac, "roles"), "looker", rules=rules)
    user = {"kind": "User", "name": "lena", "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "Role", "name": "looker", "apiGroup": "rbac.authorization.k8s.io"}
    _post(room, _in(room, rbac, "rolebindings"), "looker", subjects=[user], roleRef=role)
    room.create("db", password=b"x")
    _everything(room, "db")
    result = room.run("users", "db", "--as", "lena")
    assert result.exit_code == 0, result.stderr
    assert [row[0] for row in _rows(result.stdout)] == ["KIND", "Ingress", "Pod"]
    assert "you may not list these kinds, which may use Secrets too: " in result.stderr
    assert "Deployment" in result.stderr
    assert "LAST READ" not in room.done("unused", "--as", "lena")
