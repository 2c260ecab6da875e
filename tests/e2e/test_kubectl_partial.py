"""kubectl, the official Python client and our informers with rights to a part of Secrets only."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from kubernetes import client, config, watch

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.informer import Change, Follower, Informer
from strongroom.client.metadata import MetadataCollection
from strongroom.resources.secret import SECRETS
from strongroom.testing.process import Strongroom
from tests.e2e.kubectl import Kubectl
from tests.e2e.marked import MARK
from tests.waiting import until

MEG, KAY = ("--as", "meg"), ("--as", "kay")
NOT_VALUES = "only secrets/metadata is allowed, which gives tables and metadata without values"


READ = ["get", "list", "watch"]


def bound(name: str, **rule: list[str]) -> list[dict[str, Any]]:
    """A role, and who it is bound to: the user of its name."""
    group = "rbac.authorization.k8s.io"
    head: dict[str, Any] = {"apiVersion": f"{group}/v1", "metadata": {"name": name}}
    subject = {"kind": "User", "apiGroup": group, "name": name}
    reference = {"kind": "Role", "apiGroup": group, "name": name}
    rules = [{"apiGroups": [""], "verbs": READ} | rule]
    binding = {"kind": "RoleBinding", "roleRef": reference, "subjects": [subject]}
    return [head | {"kind": "Role", "rules": rules}, head | binding]


SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db", "labels": {"app": "shop"}},
    "stringData": {"password": "open", "tls.key": MARK, "user": MARK},
}
VAULT = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            SECRET,
            *bound("meg", resources=["secrets/metadata"]),
            *bound("kay", resources=["secrets/keys"], resourceNames=["db/password"]),
        ],
    }
)


@pytest.fixture
def vault(kubectl: Kubectl) -> Kubectl:
    """A Secret ``db``, of which ``meg`` may see metadata, and ``kay`` one key."""
    kubectl("create", "-f", "-", stdin=VAULT)
    return kubectl


def test_kubectl_lists_secrets_without_a_right_to_values(vault: Kubectl) -> None:
    row = ["db", "Opaque", "3"]
    for more in ("--ignore-not-found", "db", "-l=app=shop", "-o=wide", "--chunk-size=1"):
        shown = vault("get", "secrets", more, "--no-headers", *MEG)
        assert shown.split()[:3] == row
    assert vault("get", "secrets", "--show-labels", *MEG).endswith("app=shop\n")
    for refused in ("-o=yaml", "-o=json", "-o=name", "--sort-by=.type"):
        assert NOT_VALUES in vault.fails("get", "secrets", refused, *MEG)
    assert NOT_VALUES in vault.fails("describe", "secret", "db", *MEG)
    assert "at the cluster scope" in vault.fails("get", "secrets", "-A", *MEG)
    role = "strongroom:secret-metadata-viewer"
    name = vault.namespace
    vault("create", "clusterrolebinding", name, f"--clusterrole={role}", f"--user={name}")
    assert f"{name} " in vault("get", "secrets", "-A", "--as", name)


def test_kubectl_tells_who_may_see_a_part(vault: Kubectl) -> None:
    def may(*arguments: str) -> str:
        return vault.run("auth", "can-i", *arguments).out.strip()

    assert may("list", "secrets", "--subresource=metadata", *MEG) == "yes"
    assert may("list", "secrets", *MEG) == "no"
    assert may("get", "secrets/db/password", "--subresource=keys", *KAY) == "yes"
    assert may("get", "secrets/db/user", "--subresource=keys", *KAY) == "no"
    listed = vault("auth", "can-i", "--list", *KAY)
    (line,) = [line for line in listed.splitlines() if line.startswith("secrets")]
    assert line.split() == ["secrets/keys", "[]", "[db/password]", "[get", "list", "watch]"]


def test_kubectl_shows_one_key(vault: Kubectl) -> None:
    shown = json.loads(vault("get", "secret", "db", "-o", "json", *KAY))
    assert (shown["data"], shown["type"]) == ({"password": "b3Blbg=="}, "Opaque")
    described = vault("describe", "secret", "db", *KAY)
    assert described.endswith("password:  4 bytes\n")
    by_name = "--field-selector=metadata.name=db"
    row = vault("get", "secrets", by_name, "--no-headers", *KAY)
    assert row.split()[:3] == ["db", "Opaque", "1"]
    nothing = vault.fails("get", "secret", "other", *KAY)
    assert nothing == vault.fails("get", "secret", "other", "--as", "joe").replace("joe", "kay")
    assert 'cannot patch resource "secrets"' in vault.fails("label", "secret", "db", "a=b", *KAY)


def test_kubectl_watches_metadata(vault: Kubectl) -> None:
    with vault.start("get", "secrets", "-w", "--no-headers", "--output-watch-events", *MEG) as told:
        assert told.stdout is not None
        assert told.stdout.readline().split()[:4] == ["ADDED", "db", "Opaque", "3"]
        vault("patch", "secret", "db", "-p", '{"stringData":{"more":"m"}}')
        assert told.stdout.readline().split()[:4] == ["MODIFIED", "db", "Opaque", "4"]
        vault("delete", "secret", "db")
        assert told.stdout.readline().split()[:2] == ["DELETED", "db"]
        told.terminate()


def test_the_python_client_watches_a_key(vault: Kubectl, api: Strongroom) -> None:
    with config.new_client_from_config(config_file=str(api.kubeconfig)) as connection:
        connection.set_default_header("Impersonate-User", "kay")
        core: Any = client.CoreV1Api(connection)
        listed = core.list_namespaced_secret(vault.namespace, field_selector="metadata.name=db")
        (found,) = listed.items
        assert found.data == {"password": "b3Blbg=="}
        vault("patch", "secret", "db", "-p", '{"stringData":{"user":"another"}}')
        vault("patch", "secret", "db", "-p", '{"stringData":{"password":"shut"}}')
        vault("delete", "secret", "db")
        stream = watch.Watch()
        events = stream.stream(
            core.list_namespaced_secret,
            vault.namespace,
            field_selector="metadata.name=db",
            resource_version=listed.metadata.resource_version,
        )
        told = [(e["type"], e["object"].data) for e in itertools.islice(events, 3)]
        stream.stop()
    # Where the watch begins nothing is known of before: its first change may show what was there.
    before, after = {"password": "b3Blbg=="}, {"password": "c2h1dA=="}
    assert told == [("MODIFIED", before), ("MODIFIED", after), ("DELETED", after)]


async def test_informers_follow_what_they_may(vault: Kubectl, api: Strongroom) -> None:
    admin = load_config(api.kubeconfig)
    path = f"/api/v1/namespaces/{vault.namespace}/secrets"
    changes: list[str] = []

    def note(change: Change[Any]) -> None:
        changes.append(f"{change.type} {sorted(change.obj.data)}")

    async with (
        Client(admin.impersonating("meg")) as as_meg,
        Client(admin.impersonating("kay")) as as_kay,
    ):
        metadata = Follower(MetadataCollection(as_meg, path))
        one = Informer(as_kay, SECRETS, vault.namespace, field_selector="metadata.name=db")
        one.add_handler(note)
        metadata.start()
        one.start()
        await asyncio.gather(metadata.wait_synced(), one.wait_synced())
        patch = ("patch", "secret", "db", "-p")
        await asyncio.to_thread(vault, *patch, '{"stringData":{"user":"a"}}')
        await asyncio.to_thread(vault, *patch, '{"stringData":{"password":"b"}}')
        await asyncio.to_thread(vault, "delete", "secret", "db")

        async def over() -> bool:
            return not metadata.items() and "deleted" in changes[-1]

        await until(over)
        await metadata.close()
        await one.close()
    assert set(changes) == {f"{kind} ['password']" for kind in ("added", "modified", "deleted")}
