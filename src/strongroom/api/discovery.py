"""What the server says of itself: versions, groups, resources; legacy and aggregated forms."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import ListMeta, ObjectMeta
from strongroom.api.schema import F, Struct

# Go writes these fields even when they are empty, and clients rely on it: a default made by a
# factory is never left out of the output.


def _text() -> str:
    return msgspec.field(default_factory=str)


class ServerAddressByClientCIDR(Struct):
    """Which address a client of a network should use."""

    clientCIDR: Annotated[str, F(1, "Network of the client.", required=True)] = _text()
    serverAddress: Annotated[str, F(2, "Address of the server.", required=True)] = _text()


class APIVersions(Struct):
    """``GET /api``: the versions of the core group."""

    kind: Annotated[str, F(0, "APIVersions.")] = msgspec.field(
        default_factory=lambda: "APIVersions"
    )
    apiVersion: Annotated[str, F(0, "v1, or empty as upstream has it.")] = ""
    versions: Annotated[list[str], F(1, "The versions.", required=True)] = msgspec.field(
        default_factory=lambda: []
    )
    serverAddressByClientCIDRs: Annotated[
        list[ServerAddressByClientCIDR], F(2, "Addresses by network.", required=True)
    ] = msgspec.field(default_factory=lambda: [])


class GroupVersionForDiscovery(Struct):
    """A version of a group, in both of its forms."""

    groupVersion: Annotated[str, F(1, "GROUP/VERSION.", required=True)] = _text()
    version: Annotated[str, F(2, "VERSION.", required=True)] = _text()


class APIGroup(Struct):
    """``GET /apis/GROUP``: a group with its versions."""

    kind: Annotated[str, F(0, "APIGroup; empty inside a list.")] = ""
    apiVersion: Annotated[str, F(0, "v1; empty inside a list.")] = ""
    name: Annotated[str, F(1, "Name of the group.", required=True)] = _text()
    versions: Annotated[list[GroupVersionForDiscovery], F(2, "The versions.", required=True)] = (
        msgspec.field(default_factory=lambda: [])
    )
    preferredVersion: Annotated[GroupVersionForDiscovery, F(3, "The version to use.")] = (
        msgspec.field(default_factory=GroupVersionForDiscovery)
    )
    serverAddressByClientCIDRs: Annotated[
        list[ServerAddressByClientCIDR], F(4, "Addresses by network.")
    ] = []


class APIGroupList(Struct):
    """``GET /apis``: all named groups."""

    kind: Annotated[str, F(0, "APIGroupList.")] = msgspec.field(
        default_factory=lambda: "APIGroupList"
    )
    apiVersion: Annotated[str, F(0, "v1.")] = msgspec.field(default_factory=lambda: "v1")
    groups: Annotated[list[APIGroup], F(1, "The groups.", required=True)] = msgspec.field(
        default_factory=lambda: []
    )


class APIResource(Struct):
    """A resource or subresource of a version."""

    name: Annotated[str, F(1, "Plural name, or PLURAL/SUBRESOURCE.", required=True)] = _text()
    singularName: Annotated[str, F(6, "Singular name.", required=True)] = _text()
    namespaced: Annotated[bool, F(2, "Whether it lives in namespaces.", required=True)] = (
        msgspec.field(default_factory=bool)
    )
    group: Annotated[str, F(8, "Group of the kind, if not the list's.")] = ""
    version: Annotated[str, F(9, "Version of the kind, if not the list's.")] = ""
    kind: Annotated[str, F(3, "The kind.", required=True)] = _text()
    verbs: Annotated[list[str], F(4, "What can be done.", required=True)] = msgspec.field(
        default_factory=lambda: []
    )
    shortNames: Annotated[list[str], F(5, "Short names for people.")] = []
    categories: Annotated[list[str], F(7, "Groups of resources, such as all.")] = []
    storageVersionHash: Annotated[str, F(10, "Changes when the stored form does.")] = ""


class APIResourceList(Struct):
    """``GET /api/v1`` or ``/apis/GROUP/VERSION``: the resources of a version."""

    kind: Annotated[str, F(0, "APIResourceList.")] = msgspec.field(
        default_factory=lambda: "APIResourceList"
    )
    apiVersion: Annotated[str, F(0, "v1; empty for the core version, as upstream has it.")] = ""
    groupVersion: Annotated[str, F(1, "The version described.", required=True)] = _text()
    resources: Annotated[list[APIResource], F(2, "The resources.", required=True)] = msgspec.field(
        default_factory=lambda: []
    )


class RootPaths(Struct):
    """``GET /``: every path that the server knows."""

    paths: Annotated[list[str], F(1, "The paths.", required=True)] = msgspec.field(
        default_factory=lambda: []
    )


class GroupVersionKind(Struct):
    """A kind by group, version and name; all three always on the wire."""

    group: Annotated[str, F(1, "The group; empty for core.", required=True)] = _text()
    version: Annotated[str, F(2, "The version.", required=True)] = _text()
    kind: Annotated[str, F(3, "The kind.", required=True)] = _text()


class APISubresourceDiscovery(Struct):
    """A subresource, in aggregated discovery."""

    subresource: Annotated[str, F(1, "Name of the subresource.", required=True)] = _text()
    responseKind: Annotated[GroupVersionKind | None, F(2, "Kind that it returns.")] = None
    acceptedTypes: Annotated[list[GroupVersionKind], F(3, "Kinds that it takes.")] = []
    verbs: Annotated[list[str], F(4, "What can be done.", required=True)] = msgspec.field(
        default_factory=lambda: []
    )


class APIResourceDiscovery(Struct):
    """A resource, in aggregated discovery."""

    resource: Annotated[str, F(1, "Plural name.", required=True)] = _text()
    responseKind: Annotated[GroupVersionKind | None, F(2, "Kind that it returns.")] = None
    scope: Annotated[str, F(3, "Cluster or Namespaced.", required=True)] = _text()
    singularResource: Annotated[str, F(4, "Singular name.", required=True)] = _text()
    verbs: Annotated[list[str], F(5, "What can be done.", required=True)] = msgspec.field(
        default_factory=lambda: []
    )
    shortNames: Annotated[list[str], F(6, "Short names for people.")] = []
    categories: Annotated[list[str], F(7, "Groups of resources, such as all.")] = []
    subresources: Annotated[list[APISubresourceDiscovery], F(8, "The subresources.")] = []


class APIVersionDiscovery(Struct):
    """A version with its resources, in aggregated discovery."""

    version: Annotated[str, F(1, "The version.", required=True)] = _text()
    resources: Annotated[list[APIResourceDiscovery], F(2, "The resources.")] = []
    freshness: Annotated[str, F(3, "Current or Stale.")] = ""


class APIGroupDiscovery(Struct):
    """A group with its versions, best first, in aggregated discovery."""

    kind: Annotated[str, F(0, "APIGroupDiscovery; empty inside a list.")] = ""
    apiVersion: Annotated[str, F(0, "Empty inside a list.")] = ""
    metadata: Annotated[ObjectMeta, F(1, "Bears the group's name.")] = msgspec.field(
        default_factory=ObjectMeta
    )
    versions: Annotated[list[APIVersionDiscovery], F(2, "The versions.")] = []


class APIGroupDiscoveryList(Struct):
    """``GET /api`` and ``/apis`` in aggregated form (``apidiscovery.k8s.io/v2``)."""

    kind: Annotated[str, F(0, "APIGroupDiscoveryList.")] = msgspec.field(
        default_factory=lambda: "APIGroupDiscoveryList"
    )
    apiVersion: Annotated[str, F(0, "apidiscovery.k8s.io/v2.")] = msgspec.field(
        default_factory=lambda: "apidiscovery.k8s.io/v2"
    )
    metadata: Annotated[ListMeta, F(1, "Standard list metadata.")] = msgspec.field(
        default_factory=ListMeta
    )
    items: Annotated[list[APIGroupDiscovery], F(2, "The groups.", required=True)] = msgspec.field(
        default_factory=lambda: []
    )


class Info(Struct):
    """``GET /version``: the version of the server."""

    major: Annotated[str, F(1, "Major version of Kubernetes.", required=True)] = _text()
    minor: Annotated[str, F(2, "Minor version of Kubernetes.", required=True)] = _text()
    emulationMajor: Annotated[str, F(3, "Major version emulated.")] = ""
    emulationMinor: Annotated[str, F(4, "Minor version emulated.")] = ""
    minCompatibilityMajor: Annotated[str, F(5, "Oldest major version worked with.")] = ""
    minCompatibilityMinor: Annotated[str, F(6, "Oldest minor version worked with.")] = ""
    gitVersion: Annotated[str, F(7, "The version in full.", required=True)] = _text()
    gitCommit: Annotated[str, F(8, "The commit built from.", required=True)] = _text()
    gitTreeState: Annotated[str, F(9, "clean or dirty.", required=True)] = _text()
    buildDate: Annotated[str, F(10, "When it was built.", required=True)] = _text()
    goVersion: Annotated[str, F(11, "Version of the language.", required=True)] = _text()
    compiler: Annotated[str, F(12, "The compiler.", required=True)] = _text()
    platform: Annotated[str, F(13, "OS/ARCHITECTURE.", required=True)] = _text()
