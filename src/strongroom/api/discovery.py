"""What the server says of itself: versions, groups, resources; legacy and aggregated forms."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.meta import ListMeta, ObjectMeta
from strongroom.api.schema import F, Struct, always


class ServerAddressByClientCIDR(Struct):
    """Which address a client of a network should use."""

    clientCIDR: Annotated[str, F(1, "Network of the client.", required=True)] = always(str)
    serverAddress: Annotated[str, F(2, "Address of the server.", required=True)] = always(str)


class APIVersions(Struct):
    """``GET /api``: the versions of the core group."""

    kind: Annotated[str, F(0, "APIVersions.")] = always(lambda: "APIVersions")
    apiVersion: Annotated[str, F(0, "v1, or empty as upstream has it.")] = ""
    versions: Annotated[list[str], F(1, "The versions.", required=True)] = always(list)
    serverAddressByClientCIDRs: Annotated[
        list[ServerAddressByClientCIDR], F(2, "Addresses by network.", required=True)
    ] = always(list)


class GroupVersionForDiscovery(Struct):
    """A version of a group, in both of its forms."""

    groupVersion: Annotated[str, F(1, "GROUP/VERSION.", required=True)] = always(str)
    version: Annotated[str, F(2, "VERSION.", required=True)] = always(str)


class APIGroup(Struct):
    """``GET /apis/GROUP``: a group with its versions."""

    kind: Annotated[str, F(0, "APIGroup; empty inside a list.")] = ""
    apiVersion: Annotated[str, F(0, "v1; empty inside a list.")] = ""
    name: Annotated[str, F(1, "Name of the group.", required=True)] = always(str)
    versions: Annotated[list[GroupVersionForDiscovery], F(2, "The versions.", required=True)] = (
        always(list)
    )
    preferredVersion: Annotated[GroupVersionForDiscovery, F(3, "The version to use.")] = always(
        GroupVersionForDiscovery
    )
    serverAddressByClientCIDRs: Annotated[
        list[ServerAddressByClientCIDR], F(4, "Addresses by network.")
    ] = []


class APIGroupList(Struct):
    """``GET /apis``: all named groups."""

    kind: Annotated[str, F(0, "APIGroupList.")] = always(lambda: "APIGroupList")
    apiVersion: Annotated[str, F(0, "v1.")] = always(lambda: "v1")
    groups: Annotated[list[APIGroup], F(1, "The groups.", required=True)] = always(list)


class APIResource(Struct):
    """A resource or subresource of a version."""

    name: Annotated[str, F(1, "Plural name, or PLURAL/SUBRESOURCE.", required=True)] = always(str)
    singularName: Annotated[str, F(6, "Singular name.", required=True)] = always(str)
    namespaced: Annotated[bool, F(2, "Whether it lives in namespaces.", required=True)] = always(
        bool
    )
    group: Annotated[str, F(8, "Group of the kind, if not the list's.")] = ""
    version: Annotated[str, F(9, "Version of the kind, if not the list's.")] = ""
    kind: Annotated[str, F(3, "The kind.", required=True)] = always(str)
    verbs: Annotated[list[str], F(4, "What can be done.", required=True, wrapped=True)] = always(
        list
    )
    shortNames: Annotated[list[str], F(5, "Short names for people.")] = []
    categories: Annotated[list[str], F(7, "Groups of resources, such as all.")] = []
    storageVersionHash: Annotated[str, F(10, "Changes when the stored form does.")] = ""


class APIResourceList(Struct):
    """``GET /api/v1`` or ``/apis/GROUP/VERSION``: the resources of a version."""

    kind: Annotated[str, F(0, "APIResourceList.")] = always(lambda: "APIResourceList")
    apiVersion: Annotated[str, F(0, "v1; empty for the core version, as upstream has it.")] = ""
    groupVersion: Annotated[str, F(1, "The version described.", required=True)] = always(str)
    resources: Annotated[list[APIResource], F(2, "The resources.", required=True)] = always(list)


class RootPaths(Struct):
    """``GET /``: every path that the server knows."""

    paths: Annotated[list[str], F(1, "The paths.", required=True)] = always(list)


class GroupVersionKind(Struct):
    """A kind by group, version and name; all three always on the wire."""

    group: Annotated[str, F(1, "The group; empty for core.", required=True)] = always(str)
    version: Annotated[str, F(2, "The version.", required=True)] = always(str)
    kind: Annotated[str, F(3, "The kind.", required=True)] = always(str)


class APISubresourceDiscovery(Struct):
    """A subresource, in aggregated discovery."""

    subresource: Annotated[str, F(1, "Name of the subresource.", required=True)] = always(str)
    responseKind: Annotated[GroupVersionKind | None, F(2, "Kind that it returns.")] = None
    acceptedTypes: Annotated[list[GroupVersionKind], F(3, "Kinds that it takes.")] = []
    verbs: Annotated[list[str], F(4, "What can be done.", required=True)] = always(list)


class APIResourceDiscovery(Struct):
    """A resource, in aggregated discovery."""

    resource: Annotated[str, F(1, "Plural name.", required=True)] = always(str)
    responseKind: Annotated[GroupVersionKind | None, F(2, "Kind that it returns.")] = None
    scope: Annotated[str, F(3, "Cluster or Namespaced.", required=True)] = always(str)
    singularResource: Annotated[str, F(4, "Singular name.", required=True)] = always(str)
    verbs: Annotated[list[str], F(5, "What can be done.", required=True)] = always(list)
    shortNames: Annotated[list[str], F(6, "Short names for people.")] = []
    categories: Annotated[list[str], F(7, "Groups of resources, such as all.")] = []
    subresources: Annotated[list[APISubresourceDiscovery], F(8, "The subresources.")] = []


class APIVersionDiscovery(Struct):
    """A version with its resources, in aggregated discovery."""

    version: Annotated[str, F(1, "The version.", required=True)] = always(str)
    resources: Annotated[list[APIResourceDiscovery], F(2, "The resources.")] = []
    freshness: Annotated[str, F(3, "Current or Stale.")] = ""


class APIGroupDiscovery(Struct):
    """A group with its versions, best first, in aggregated discovery."""

    kind: Annotated[str, F(0, "APIGroupDiscovery; empty inside a list.")] = ""
    apiVersion: Annotated[str, F(0, "Empty inside a list.")] = ""
    metadata: Annotated[ObjectMeta, F(1, "Bears the group's name.")] = always(ObjectMeta)
    versions: Annotated[list[APIVersionDiscovery], F(2, "The versions.")] = []


class APIGroupDiscoveryList(Struct):
    """``GET /api`` and ``/apis`` in aggregated form (``apidiscovery.k8s.io/v2``)."""

    kind: Annotated[str, F(0, "APIGroupDiscoveryList.")] = always(lambda: "APIGroupDiscoveryList")
    apiVersion: Annotated[str, F(0, "apidiscovery.k8s.io/v2.")] = always(
        lambda: "apidiscovery.k8s.io/v2"
    )
    metadata: Annotated[ListMeta, F(1, "Standard list metadata.")] = always(ListMeta)
    items: Annotated[list[APIGroupDiscovery], F(2, "The groups.", required=True)] = always(list)


class Info(Struct):
    """``GET /version``: the version of the server."""

    major: Annotated[str, F(1, "Major version of Kubernetes.", required=True)] = always(str)
    minor: Annotated[str, F(2, "Minor version of Kubernetes.", required=True)] = always(str)
    emulationMajor: Annotated[str, F(3, "Major version emulated.")] = ""
    emulationMinor: Annotated[str, F(4, "Minor version emulated.")] = ""
    minCompatibilityMajor: Annotated[str, F(5, "Oldest major version worked with.")] = ""
    minCompatibilityMinor: Annotated[str, F(6, "Oldest minor version worked with.")] = ""
    gitVersion: Annotated[str, F(7, "The version in full.", required=True)] = always(str)
    gitCommit: Annotated[str, F(8, "The commit built from.", required=True)] = always(str)
    gitTreeState: Annotated[str, F(9, "clean or dirty.", required=True)] = always(str)
    buildDate: Annotated[str, F(10, "When it was built.", required=True)] = always(str)
    goVersion: Annotated[str, F(11, "Version of the language.", required=True)] = always(str)
    compiler: Annotated[str, F(12, "The compiler.", required=True)] = always(str)
    platform: Annotated[str, F(13, "OS/ARCHITECTURE.", required=True)] = always(str)
