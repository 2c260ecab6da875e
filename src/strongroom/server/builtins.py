"""Objects that every cluster has: the API's own Service, priority classes, local APIServices.

They are made at start, and later too, when they are missing, and what depends on this run is
brought up to date.
Sources: ``pkg/controlplane/controller/kubernetesservice``, ``pkg/registry/scheduling/rest`` and
``k8s.io/kube-aggregator/pkg/controllers/autoregister``.
"""

from __future__ import annotations

import asyncio
import copy
import ipaddress
import urllib.parse
from dataclasses import dataclass
from typing import Any

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, Object, ObjectMeta
from strongroom.registry.registry import Registry
from strongroom.resources.addresses import Network, family_of
from strongroom.resources.apiservice import APIService, APIServiceSpec
from strongroom.resources.endpoints import (
    EndpointAddress,
    EndpointPort,
    Endpoints,
    EndpointSubset,
)
from strongroom.resources.endpointslice import SERVICE_LABEL, Endpoint, EndpointSlice
from strongroom.resources.endpointslice import EndpointPort as SlicePort
from strongroom.resources.priorityclass import SYSTEM_CLASSES
from strongroom.resources.service import Service, ServicePort
from strongroom.resources.service_object import ServiceSpec
from strongroom.server.bootstrap import own_context
from strongroom.server.kinds import Kinds
from strongroom.server.others import servers_of
from strongroom.storage.port import Store

_NAME, _NAMESPACE = "kubernetes", "default"
_PORT_NAME = "https"
_MANAGED = "kube-aggregator.kubernetes.io/automanaged"
_AGGREGATOR = "apiregistration.k8s.io"
_PRIORITIES = {
    "": (18000, 1),
    "apps": (17800, 15),
    "events.k8s.io": (17750, 15),
    "authentication.k8s.io": (17700, 15),
    "authorization.k8s.io": (17600, 15),
    "autoscaling": (17500, 15),
    "batch": (17400, 15),
    "certificates.k8s.io": (17300, 15),
    "networking.k8s.io": (17200, 15),
    "policy": (17100, 15),
    "rbac.authorization.k8s.io": (17000, 15),
    "storage.k8s.io": (16800, 15),
    "apiextensions.k8s.io": (16700, 15),
    "admissionregistration.k8s.io": (16700, 15),
    "scheduling.k8s.io": (16600, 15),
    "coordination.k8s.io": (16500, 15),
    "node.k8s.io": (16300, 15),
    "discovery.k8s.io": (16200, 15),
    "flowcontrol.apiserver.k8s.io": (16100, 15),
}
_OTHER_PRIORITY = (2000, 15)
"""Order of groups and of their versions, as kube-apiserver registers them."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the API is served: at a port of these addresses, which may be none."""

    port: int
    addresses: tuple[str, ...]


async def serving_at(store: Store, url: str, bind: str) -> Serving:
    """This server's port, and the addresses of all servers of the store that serve at it.

    Raises StoreError.
    """
    port = urllib.parse.urlsplit(url).port or 443
    found = set(_addresses(bind))
    for server in await servers_of(store):
        other = urllib.parse.urlsplit(server.url)
        if other.port == port and other.hostname:
            found.update(_addresses(other.hostname))
    return Serving(port, tuple(sorted(found)))


async def ensure_builtins(kinds: Kinds, clock: Clock, network: Network, serving: Serving) -> None:
    """Make what is missing, all at once. Raises StatusError when the store refuses a write."""
    classes = kinds.registry("scheduling.k8s.io", "priorityclasses")
    port, points = serving.port, list(serving.addresses)
    service = _service(network, port)
    slices = kinds.registry("discovery.k8s.io", "endpointslices")
    await asyncio.gather(
        *(ensure(classes, clock, copy.deepcopy(known)) for known in SYSTEM_CLASSES),
        _ensure_api_services(kinds, clock),
        ensure(kinds.registry("", "services"), clock, service, current=_leads_to(port)),
        _replace(kinds.registry("", "endpoints"), clock, _endpoints(points, port)),
        _replace(slices, clock, _slice(points, port)),
    )


async def ensure(
    registry: Registry[Any], clock: Clock, obj: Object, current: Any = lambda found: True
) -> None:
    """Create an object unless there is one of its name; make a new one of one out of date."""
    resource, meta = registry.resource, obj.metadata
    where = {"group": resource.group, "namespace": meta.namespace}
    try:
        ctx = own_context(clock, "get", resource.plural, **where)
        found = (await registry.get(ctx, meta.namespace, meta.name)).obj
    except StatusError as error:
        if error.code != 404:
            raise
        found = None
    if found is None:
        ctx = own_context(clock, "create", resource.plural, **where)
        await registry.create(ctx, meta.namespace, obj)
    elif not current(found):
        ctx = own_context(clock, "update", resource.plural, **where)
        await registry.update(ctx, meta.namespace, meta.name, _merged(found, obj))


async def _replace(registry: Registry[Any], clock: Clock, obj: Object) -> None:
    """Have an object with exactly this content."""
    await ensure(registry, clock, obj, current=lambda found: False)


def _merged(found: Object, obj: Object) -> Object:
    """The object as it is to be, with the metadata that it has."""
    new = copy.deepcopy(obj)
    meta = copy.deepcopy(found.metadata)
    meta.labels |= obj.metadata.labels
    meta.annotations |= obj.metadata.annotations
    new.metadata = meta
    return new


def _leads_to(port: int) -> Any:
    return lambda found: [p.targetPort for p in found.spec.ports] == [port]


def _meta(**labels: str) -> ObjectMeta:
    return ObjectMeta(name=_NAME, namespace=_NAMESPACE, labels=labels)


def _service(network: Network, port: int) -> Service:
    return Service(
        metadata=_meta(component="apiserver", provider="kubernetes"),
        spec=ServiceSpec(
            clusterIP=str(network[1]),
            ports=[ServicePort(name=_PORT_NAME, port=443, targetPort=port, protocol="TCP")],
        ),
    )


def _addresses(bind: str) -> list[str]:
    """Where others reach the server; nowhere if it serves this machine only.

    Addresses that mean something else everywhere are refused in Endpoints, and rightly so.
    """
    try:
        address = ipaddress.ip_address(bind)
    except ValueError:
        return []
    special = address.is_loopback or address.is_unspecified or address.is_link_local
    return [] if special else [str(address)]


def _endpoints(points: list[str], port: int) -> Endpoints:
    obj = Endpoints(metadata=_meta())
    obj.metadata.labels["endpointslice.kubernetes.io/skip-mirror"] = "true"
    if points:
        obj.subsets = [
            EndpointSubset(
                addresses=[EndpointAddress(ip=ip) for ip in points],
                ports=[EndpointPort(name=_PORT_NAME, port=port, protocol="TCP")],
            )
        ]
    return obj


def _slice(points: list[str], port: int) -> EndpointSlice:
    obj = EndpointSlice(
        metadata=_meta(),
        addressType=family_of(points[0]) if points else "IPv4",
        endpoints=[Endpoint(addresses=[ip]) for ip in points],
        ports=[SlicePort(name=_PORT_NAME, port=port, protocol="TCP")],
    )
    for endpoint in obj.endpoints:
        endpoint.conditions.ready = True
    obj.metadata.labels[SERVICE_LABEL] = _NAME
    return obj


class APIServices:
    """Keeps an APIService for each version that is served, while custom kinds come and go."""

    def __init__(self, kinds: Kinds, clock: Clock) -> None:
        self._kinds = kinds
        self._clock = clock
        self._told: set[tuple[str, str]] = set()

    async def turn(self) -> None:
        """Write what has to change; costs next to nothing if no version came or went."""
        served = {(r.group, r.version) for r in self._kinds.resources()}
        if served != self._told:
            await _ensure_api_services(self._kinds, self._clock)
            self._told = served


async def _ensure_api_services(kinds: Kinds, clock: Clock) -> None:
    """One APIService for each version that is served, and none of ours for any other."""
    registry = kinds.registry(_AGGREGATOR, "apiservices")
    served = {(r.group, r.version) for r in kinds.resources()} - {(_AGGREGATOR, "v1")}
    wanted = []
    for group, version in sorted(served):
        group_order, version_order = _PRIORITIES.get(group, _OTHER_PRIORITY)
        spec = APIServiceSpec(
            group=group,
            version=version,
            groupPriorityMinimum=group_order,
            versionPriority=version_order,
        )
        meta = ObjectMeta(name=f"{version}.{group}", labels={_MANAGED: "onstart"})
        wanted.append(APIService(metadata=meta, spec=spec))
    names = {service.metadata.name for service in wanted}
    await asyncio.gather(*(ensure(registry, clock, service) for service in wanted))
    for entry in registry.cache.list(registry.resource.prefix()).items:
        found = entry.item.peek() if entry.error is None else None
        ours = found is not None and found.metadata.labels.get(_MANAGED) == "onstart"
        if found is not None and ours and found.metadata.name not in names:
            ctx = own_context(clock, "delete", "apiservices", group=_AGGREGATOR)
            await registry.delete(ctx, "", found.metadata.name, DeleteOptions())
