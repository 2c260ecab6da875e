"""``/api``, ``/apis`` and the versions below: what there is, in the legacy and aggregated forms."""

from __future__ import annotations

import base64
import hashlib
import platform
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

from strongroom import __version__
from strongroom.api.custom import is_custom
from strongroom.api.discovery import (
    APIGroup,
    APIGroupDiscovery,
    APIGroupDiscoveryList,
    APIGroupList,
    APIResource,
    APIResourceDiscovery,
    APIResourceList,
    APISubresourceDiscovery,
    APIVersionDiscovery,
    APIVersions,
    GroupVersionForDiscovery,
    GroupVersionKind,
    Info,
    ServerAddressByClientCIDR,
)
from strongroom.api.meta import ObjectMeta
from strongroom.api.versions import priority
from strongroom.resources.resource import Resource
from strongroom.server.documents import Document
from strongroom.server.negotiation import parse_accept
from strongroom.server.reply import Reply
from strongroom.server.request import Request
from strongroom.server.routes import Handler
from strongroom.server.urls import Target

KUBERNETES = "1.37.0"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

AnyResource = Resource[Any]


def version_info() -> Info:
    """``/version``: the Kubernetes version whose behaviour we have, with our own appended."""
    major, minor, _ = KUBERNETES.split(".")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return Info(
        major=major,
        minor=minor,
        emulationMajor=major,
        emulationMinor=minor,
        minCompatibilityMajor=major,
        minCompatibilityMinor=str(int(minor) - 1),
        gitVersion=f"v{KUBERNETES}+strongroom-{__version__}",
        gitTreeState="clean",
        goVersion=f"python{platform.python_version()}",
        compiler=platform.python_implementation(),
        platform=f"{platform.system().lower()}/{machine}",
    )


def discovery_routes(resources: Iterable[AnyResource], *, address: str) -> dict[str, Handler]:
    """The discovery paths. ``address`` is HOST:PORT, as clients on this host reach it.

    Each document is made when it is first asked for.
    """
    served = _Served(resources)
    groups = served.groups()
    addresses = [ServerAddressByClientCIDR(clientCIDR="0.0.0.0/0", serverAddress=address)]
    routes = {
        "/version": _document(version_info),
        "/api": _negotiated(
            lambda: APIVersions(versions=["v1"], serverAddressByClientCIDRs=addresses),
            lambda: served.aggregated([""]),
        ),
        "/apis": _negotiated(
            lambda: APIGroupList(groups=[_group(g, served.versions(g)) for g in groups]),
            lambda: served.aggregated(groups),
        ),
        "/api/v1": _document(partial(served.resource_list, "", "v1")),
    }
    for group in groups:
        routes[f"/apis/{group}"] = _document(partial(_single_group, group, served.versions(group)))
        for version in served.versions(group):
            make = partial(served.resource_list, group, version)
            routes[f"/apis/{group}/{version}"] = _document(make)
    return routes


def _document(make: Callable[[], object]) -> Handler:
    document = cache(lambda: Document(make()))

    async def serve(request: Request, target: Target) -> Reply:
        return document().reply(request)

    return serve


def _negotiated(legacy: Callable[[], object], aggregated: Callable[[], object]) -> Handler:
    old, new = cache(lambda: Document(legacy())), cache(lambda: Document(aggregated(), AGGREGATED))

    async def serve(request: Request, target: Target) -> Reply:
        if _wants_aggregated(request.headers.get("accept", "")):
            return new().reply(request, etag=True)
        return old().reply(request)

    return serve


def _wants_aggregated(accept: str) -> bool:
    """Whether the aggregated form is wanted more than the legacy one."""
    for media_type, parameters in parse_accept(accept):
        if media_type != "application/json":
            continue
        if "as" not in parameters:
            return False
        if parameters == {"g": "apidiscovery.k8s.io", "v": "v2", "as": "APIGroupDiscoveryList"}:
            return True
    return False


def _group(name: str, versions: list[str]) -> APIGroup:
    described = [
        GroupVersionForDiscovery(groupVersion=f"{name}/{version}", version=version)
        for version in versions
    ]
    return APIGroup(name=name, versions=described, preferredVersion=described[0])


def _single_group(name: str, versions: list[str]) -> APIGroup:
    description = _group(name, versions)
    description.kind, description.apiVersion = "APIGroup", "v1"
    return description


class _Served:
    """The kinds, as both forms of discovery tell of them."""

    def __init__(self, resources: Iterable[AnyResource]) -> None:
        self._groups: dict[str, dict[str, list[AnyResource]]] = {}
        for resource in sorted(resources, key=lambda r: r.plural):
            versions = self._groups.setdefault(resource.group, {})
            versions.setdefault(resource.version, []).append(resource)

    def groups(self) -> list[str]:
        """The groups that have a name."""
        return sorted(group for group in self._groups if group)

    def versions(self, group: str) -> list[str]:
        """The versions of a group, the one to prefer first."""
        return sorted(self._groups.get(group, ()), key=priority)

    def resource_list(self, group: str, version: str) -> APIResourceList:
        """The legacy list of a version."""
        resources = []
        for resource in self._of(group, version):
            resources.append(_legacy(resource))
            resources += [
                _legacy_part(resource, name, verbs) for name, verbs in self._subresources(resource)
            ]
        return APIResourceList(
            apiVersion="v1" if group else "",
            groupVersion=f"{group}/{version}" if group else version,
            resources=resources,
        )

    def aggregated(self, groups: Iterable[str]) -> APIGroupDiscoveryList:
        """The aggregated form of groups; core is the group without a name."""
        return APIGroupDiscoveryList(
            items=[
                APIGroupDiscovery(
                    metadata=ObjectMeta(name=group),
                    versions=[
                        APIVersionDiscovery(
                            version=version,
                            resources=[self._aggregated(r) for r in self._of(group, version)],
                            freshness="Current",
                        )
                        for version in self.versions(group)
                    ],
                )
                for group in groups
            ]
        )

    def _of(self, group: str, version: str) -> list[AnyResource]:
        return self._groups.get(group, {}).get(version, [])

    def _subresources(self, resource: AnyResource) -> list[tuple[str, tuple[str, ...]]]:
        found = [(s.name, tuple(sorted(s.verbs))) for s in resource.subresources]
        if resource.plural == "pods":
            found.append(("log", ("get",)))
        return sorted(found)

    def _aggregated(self, resource: AnyResource) -> APIResourceDiscovery:
        kind = GroupVersionKind(group="", version="", kind=resource.kind)
        if is_custom(resource.type):
            # Upstream leaves out what is plain from the place, but for custom kinds.
            kind.group, kind.version = resource.group, resource.version
        return APIResourceDiscovery(
            resource=resource.plural,
            responseKind=kind,
            scope="Namespaced" if resource.namespaced else "Cluster",
            singularResource=_singular(resource),
            verbs=sorted(resource.verbs),
            shortNames=list(resource.short_names),
            categories=list(resource.categories),
            subresources=[
                APISubresourceDiscovery(
                    subresource=name,
                    responseKind=_answered(resource, name) or kind,
                    verbs=list(verbs),
                )
                for name, verbs in self._subresources(resource)
            ],
        )


def _legacy(resource: AnyResource) -> APIResource:
    return APIResource(
        name=resource.plural,
        singularName=_singular(resource),
        namespaced=resource.namespaced,
        kind=resource.kind,
        verbs=sorted(resource.verbs),
        shortNames=list(resource.short_names),
        categories=list(resource.categories),
        storageVersionHash=_storage_hash(resource),
    )


def _legacy_part(resource: AnyResource, name: str, verbs: Iterable[str]) -> APIResource:
    other = _answered(resource, name)
    return APIResource(
        name=f"{resource.plural}/{name}",
        namespaced=resource.namespaced,
        group=other.group if other else "",
        version=other.version if other else "",
        kind=other.kind if other else resource.kind,
        verbs=list(verbs),
    )


def _answered(resource: AnyResource, part: str) -> GroupVersionKind | None:
    """The kind that a subresource answers, if it is another one."""
    found = resource.subresource(part)
    other = found.other if found else None
    if other is None:
        return None
    return GroupVersionKind(group=other.group, version=other.version, kind=other.kind)


def _singular(resource: AnyResource) -> str:
    return resource.singular or resource.kind.lower()


def _storage_hash(resource: AnyResource) -> str:
    """As upstream: the first eight bytes of SHA-256 of ``GROUP/VERSION/KIND``, in base64."""
    if resource.answered:
        return ""
    text = f"{resource.group}/{resource.version}/{resource.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()
