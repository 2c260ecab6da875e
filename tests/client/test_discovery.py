"""What is served, as the server tells it, and what is made of that."""

from __future__ import annotations

from strongroom.client.client import Client
from strongroom.client.discovery import Kind, Served, discover

ALL = frozenset({"list", "watch", "delete"})


def kind(version: str, plural: str = "taps", group: str = "example.com") -> Kind:
    return Kind(group, version, "Tap", plural, True, ALL)


async def test_all_kinds_are_found(client: Client) -> None:
    served = await discover(client)
    assert served.failed == ()
    secrets = served.find("v1", "Secret")
    assert secrets is not None
    assert secrets.namespaced
    assert secrets.path("a b", "c/d") == "/api/v1/namespaces/a%20b/secrets/c%2Fd"
    leases = served.find("coordination.k8s.io/v1", "Lease")
    assert leases is not None
    assert leases.path() == "/apis/coordination.k8s.io/v1/leases"
    nodes = served.find("v1", "Node")
    assert nodes is not None
    assert not nodes.namespaced
    assert nodes.path("ignored", "n") == "/api/v1/nodes/n"
    assert served.find("v1", "Lease") is None
    assert all(k.verbs >= {"list", "delete"} for k in served.preferred("list", "delete"))
    assert "bindings" not in [k.plural for k in served.preferred("list")]


def test_each_kind_counts_once_in_the_version_that_is_preferred() -> None:
    served = Served((kind("v2"), kind("v1"), kind("v1", "old"), kind("v1", group="other.com")))
    assert served.preferred("list") == [
        kind("v2"),
        kind("v1", "old"),
        kind("v1", group="other.com"),
    ]
    assert served.preferred("create") == []
    assert served.find("example.com/v1", "Tap") == kind("v1")


def test_what_is_not_known_just_now_is_kept() -> None:
    before = Served((kind("v1"), kind("v1", group="other.com")))
    now = Served((), ("example.com/v1",)).with_known(before)
    assert now.kinds == (kind("v1"),)
    assert now.failed == ("example.com/v1",)
