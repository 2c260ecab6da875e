"""Discovery documents: what upstream writes even when it is empty, and what it leaves out."""

from __future__ import annotations

from strongroom.api import codec
from strongroom.api import discovery as d


def test_resources_of_a_version() -> None:
    secrets = d.APIResource(
        name="secrets", singularName="secret", namespaced=True, kind="Secret", verbs=["get"]
    )
    nodes = d.APIResource(name="nodes", kind="Node")
    assert codec.encode(d.APIResourceList(groupVersion="v1", resources=[secrets, nodes])) == (
        b'{"kind":"APIResourceList","groupVersion":"v1","resources":['
        b'{"name":"secrets","singularName":"secret","namespaced":true,"kind":"Secret",'
        b'"verbs":["get"]},'
        b'{"name":"nodes","singularName":"","namespaced":false,"kind":"Node","verbs":[]}]}'
    )


def test_versions_and_groups() -> None:
    assert codec.encode(d.APIVersions(versions=["v1"])) == (
        b'{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[]}'
    )
    assert codec.encode(d.APIGroupList()) == (
        b'{"kind":"APIGroupList","apiVersion":"v1","groups":[]}'
    )
    v1 = d.GroupVersionForDiscovery("coordination.k8s.io/v1", "v1")
    group = d.APIGroup(name="coordination.k8s.io", versions=[v1], preferredVersion=v1)
    version = b'{"groupVersion":"coordination.k8s.io/v1","version":"v1"}'
    assert codec.encode(group) == (
        b'{"name":"coordination.k8s.io","versions":['
        + version
        + b'],"preferredVersion":'
        + version
        + b"}"
    )


def test_aggregated_form() -> None:
    gvk = d.GroupVersionKind(version="v1", kind="Secret")
    secrets = d.APIResourceDiscovery(
        resource="secrets", responseKind=gvk, scope="Namespaced", singularResource="secret"
    )
    version = d.APIVersionDiscovery(version="v1", resources=[secrets], freshness="Current")
    body = codec.encode(d.APIGroupDiscoveryList(items=[d.APIGroupDiscovery(versions=[version])]))
    assert body == (
        b'{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},'
        b'"items":[{"metadata":{},"versions":[{"version":"v1","resources":['
        b'{"resource":"secrets","responseKind":{"group":"","version":"v1","kind":"Secret"},'
        b'"scope":"Namespaced","singularResource":"secret","verbs":[]}],"freshness":"Current"}]}]}'
    )


def test_every_document_reads_back() -> None:
    for struct in (d.Info, d.RootPaths, d.APIVersions, d.APIGroupDiscoveryList, d.APIResourceList):
        empty = struct()
        decoded = codec.decode(codec.encode(empty), struct, kind=struct.__name__, find=True)
        assert decoded.obj == empty
        assert decoded.findings == []
