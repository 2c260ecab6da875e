"""Secrets of another namespace in pods: given by reference, followed, withdrawn."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.meta import ObjectMeta
from strongroom.client.client import Client
from strongroom.node.granted import account_of, given_to
from strongroom.resources.pod import Pod
from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.secret_reference import ALL, FROM, GRANTED, REFERENCE, granted_text
from strongroom.resources.secretgrant import (
    SECRET_GRANTS,
    GrantedSecret,
    GrantTarget,
    SecretGrant,
    SecretGrantSpec,
)
from tests.node.cluster import Cluster
from tests.node.conftest import fresh

DATA = {"a": b"1", "b": b"2"}
SEES = {
    "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "a"}}}],
    "volumeMounts": [{"name": "s", "mountPath": "/s"}],
}
VOLUMES: dict[str, Any] = {"volumes": [{"name": "s", "secret": {"secretName": "db"}}]}
SHOW = 'echo "env=$A"; while :; do echo "files=$(cat /s/* 2>/dev/null)."; sleep 0.05; done'


@pytest.mark.parametrize(
    ("granted", "account", "keys"),
    [
        ({ALL: None}, "web", "ab"),
        ({"web": None}, "web", "ab"),
        ({"web": frozenset("a")}, "web", "a"),
        ({"web": frozenset("a"), ALL: frozenset("b")}, "web", "ab"),
        ({"web": frozenset("a"), ALL: frozenset("b")}, "job", "b"),
        ({"web": None}, "job", ""),
        ({ALL: frozenset("c")}, "web", ""),
    ],
)
def test_each_account_is_given_its_keys(
    granted: dict[str, frozenset[str] | None], account: str, keys: str
) -> None:
    told = {FROM: "vault/db", GRANTED: granted_text(granted)}
    secret = Secret(metadata=ObjectMeta(name="db", annotations=told), data=DATA)
    found = given_to(account, secret)
    assert "".join(found.data if found else "") == keys
    assert (found is None) == (not keys)


def test_what_is_the_namespaces_own_is_given_whole() -> None:
    secret = Secret(data=DATA)
    assert given_to("web", secret) is secret
    assert given_to("web", None) is None
    assert account_of(Pod()) == "default"


async def _grant(owner: Cluster, to: Cluster, *keys: str, account: str = ALL) -> None:
    spec = SecretGrantSpec(
        secrets=[GrantedSecret("db", list(keys) or [ALL])],
        to=[GrantTarget(to.namespace, [account])],
    )
    grant = SecretGrant(metadata=ObjectMeta(name="g"), spec=spec)
    await owner.client.create(SECRET_GRANTS, grant, owner.namespace)


async def _reference(cluster: Cluster, to: Cluster) -> None:
    about = ObjectMeta(name="db", annotations={FROM: f"{to.namespace}/db"})
    secret = Secret(metadata=about, type=REFERENCE)
    await cluster.client.create(SECRETS, secret, cluster.namespace)


async def test_a_pod_uses_a_secret_of_another_namespace(cluster: Cluster, client: Client) -> None:
    owner = await fresh(client)
    await owner.secret("db", a="one")
    await _reference(cluster, owner)
    await cluster.pod("p", SHOW, container=SEES, **VOLUMES)
    text = 'MountVolume.SetUp failed for volume "s" : secret "db" not found'
    await cluster.until_told("p", "FailedMount", text)

    await _grant(owner, cluster)
    await cluster.until_logged("p", "files=one.")
    assert (await cluster.logs("p")).startswith("env=one\n")
    await owner.change_secret("db", a="two")
    await cluster.until_logged("p", "files=two.")
    await client.delete(SECRET_GRANTS, "g", owner.namespace)
    await cluster.until_logged("p", "files=.")
    text = 'keys of secret "db" are no longer given: a; their files were removed from volume "s"'
    await cluster.until_told("p", "SecretWithdrawn", text)
    await _grant(owner, cluster)
    await owner.change_secret("db", a="three")
    await cluster.until_logged("p", "files=three.")


async def test_pods_of_one_node_are_given_what_their_accounts_may(
    cluster: Cluster, client: Client
) -> None:
    owner = await fresh(client)
    await owner.secret("db", a="one", b="more")
    await _reference(cluster, owner)
    await _grant(owner, cluster, "a", account="web")
    await cluster.pod("may", SHOW, container=SEES, serviceAccountName="web", **VOLUMES)
    await cluster.until_logged("may", "files=one.")
    await cluster.pod("may-not", SHOW, container=SEES, serviceAccountName="job", **VOLUMES)
    text = 'MountVolume.SetUp failed for volume "s" : secret "db" not found'
    await cluster.until_told("may-not", "FailedMount", text)
