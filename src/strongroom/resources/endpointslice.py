"""EndpointSlice: some of the addresses behind a service.

Kept and checked only: no controller of ours fills them in. Rules: ``pkg/apis/discovery``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    IMMUTABLE,
    Path,
    dns_label,
    dns_subdomain,
    duplicate,
    invalid_value,
    not_supported,
    qualified_name,
    required,
    too_many,
    validate_labels,
)
from strongroom.resources.addresses import (
    canonical_ip_errors,
    family_of,
    special_ip_errors,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.endpoints import PROTOCOLS, first_few
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.resource import Column, Resource

API_PACKAGE = "io.k8s.api.discovery.v1"
"""Where OpenAPI places the types of this module."""

SERVICE_LABEL = "kubernetes.io/service-name"
"""Label that names the service to which a slice belongs."""

_TYPES = ("FQDN", "IPv4", "IPv6")
_MAX_ENDPOINTS, _MAX_ADDRESSES, _MAX_PORTS, _MAX_LABELS = 1000, 100, 20000, 16
_MAX_HINTS = 8


class EndpointConditions(Struct):
    """The state of an endpoint."""

    ready: Annotated[bool | None, F(1, "Whether it takes requests; unset counts as true.")] = None
    serving: Annotated[bool | None, F(2, "The same, whether or not it is ending.")] = None
    terminating: Annotated[bool | None, F(3, "Whether it is ending.")] = None


class ForZone(Struct):
    """A zone that should use an endpoint."""

    name: Annotated[str, F(1, "Name of the zone.", required=True)] = always(str)


class ForNode(Struct):
    """A node that should use an endpoint."""

    name: Annotated[str, F(1, "Name of the node.", required=True)] = always(str)


class EndpointHints(Struct):
    """Who should use an endpoint."""

    forZones: Annotated[list[ForZone], F(1, "Zones, at most 8.", list_type="atomic")] = []
    forNodes: Annotated[list[ForNode], F(2, "Nodes, at most 8.", list_type="atomic")] = []


class Endpoint(Struct):
    """One thing behind a service, with its addresses."""

    addresses: Annotated[
        list[str], F(1, "Its addresses; the first one is used.", list_type="set", required=True)
    ] = always(list)
    conditions: Annotated[EndpointConditions, F(2, "Its state.")] = msgspec.field(
        default_factory=EndpointConditions
    )
    hostname: Annotated[str | None, F(3, "Its name.")] = None
    targetRef: Annotated[ObjectReference | None, F(4, "What it is, mostly a pod.")] = None
    deprecatedTopology: Annotated[dict[str, str], F(5, "No longer used; only kept.")] = {}
    nodeName: Annotated[str | None, F(6, "Node on which it is.")] = None
    zone: Annotated[str | None, F(7, "Zone in which it is.")] = None
    hints: Annotated[EndpointHints | None, F(8, "Who should use it.")] = None


class EndpointPort(Struct):
    """A port of the endpoints."""

    owned_whole: ClassVar[bool] = True

    name: Annotated[str | None, F(1, "Name of the service's port.")] = None
    protocol: Annotated[str | None, F(2, "TCP, UDP or SCTP; TCP by default.")] = None
    port: Annotated[int | None, F(3, "Number of the port; unset: not known.", format="int32")] = (
        None
    )
    appProtocol: Annotated[str | None, F(4, "What is spoken on the port.")] = None


class EndpointSlice(Object):
    """Some of the endpoints of a service; all of them have the same ports."""

    max_values: ClassVar[int] = 15_000

    addressType: Annotated[
        str, F(4, "What the addresses are; cannot be changed.", enum=_TYPES, required=True)
    ] = always(str)
    endpoints: Annotated[
        list[Endpoint], F(2, "The endpoints, at most 1000.", list_type="atomic")
    ] = always(list)
    ports: Annotated[list[EndpointPort], F(3, "Their ports.", list_type="atomic")] = always(list)


class EndpointSliceResource(Resource[EndpointSlice]):
    """The behaviour of EndpointSlices."""

    def default(self, obj: EndpointSlice) -> None:
        for port in obj.ports:
            port.name = port.name or ""
            port.protocol = port.protocol or "TCP"

    def prepare_for_create(self, obj: EndpointSlice, now: datetime) -> None:
        obj.metadata.generation = 1

    def prepare_for_update(self, new: EndpointSlice, old: EndpointSlice, now: datetime) -> None:
        same = (new.endpoints, new.ports, new.addressType, new.metadata.labels) == (
            *(old.endpoints, old.ports, old.addressType),
            old.metadata.labels,
        )
        new.metadata.generation = old.metadata.generation + (not same)

    def validate(self, obj: EndpointSlice) -> list[FieldError]:
        path, kind = Path("addressType"), obj.addressType
        errors = []
        if not kind:
            errors.append(required(path))
        elif kind not in _TYPES:
            errors.append(not_supported(path, kind, _TYPES))
        return errors + _endpoints_errors(obj) + _ports_errors(obj.ports)

    def validate_update(self, new: EndpointSlice, old: EndpointSlice) -> list[FieldError]:
        errors = self.validate(new)
        if new.addressType != old.addressType:
            errors.append(invalid_value(Path("addressType"), new.addressType, IMMUTABLE))
        return errors


def _endpoints_errors(obj: EndpointSlice) -> list[FieldError]:
    path, count = Path("endpoints"), len(obj.endpoints)
    if count > _MAX_ENDPOINTS:
        return [too_many(path, count, _MAX_ENDPOINTS)]
    errors = []
    for i, endpoint in enumerate(obj.endpoints):
        errors += _endpoint_errors(endpoint, obj.addressType, path.index(i))
    return errors


def _endpoint_errors(endpoint: Endpoint, kind: str, path: Path) -> list[FieldError]:
    addresses, at = endpoint.addresses, path / "addresses"
    errors = []
    if not addresses:
        errors.append(required(at, "must contain at least 1 address"))
    elif len(addresses) > _MAX_ADDRESSES:
        errors.append(too_many(at, len(addresses), _MAX_ADDRESSES))
    for i, address in enumerate(addresses):
        errors += _address_errors(address, kind, at.index(i))
    if (name := endpoint.nodeName) is not None:
        errors += [invalid_value(path / "nodeName", name, text) for text in dns_subdomain(name)]
    at = path / "deprecatedTopology"
    if len(endpoint.deprecatedTopology) > _MAX_LABELS:
        errors.append(too_many(at, len(endpoint.deprecatedTopology), _MAX_LABELS))
    errors += validate_labels(endpoint.deprecatedTopology, at)
    if (name := endpoint.hostname) is not None:
        errors += [invalid_value(path / "hostname", name, text) for text in dns_label(name)]
    return errors + _hint_errors(endpoint.hints, path / "hints")


def _address_errors(address: str, kind: str, path: Path) -> list[FieldError]:
    if kind == "FQDN":
        if not address:
            return [required(path)]
        errors = [invalid_value(path, address, text) for text in dns_subdomain(address)]
        if not errors and "." not in address.removesuffix("."):
            detail = "should be a domain with at least two segments separated by dots"
            errors.append(invalid_value(path, address, detail))
        return errors
    if kind not in _TYPES:
        return []
    errors = canonical_ip_errors(address, path)
    if not errors and family_of(address) != kind:
        errors.append(invalid_value(path, address, f"must be a valid {kind} address"))
    return errors + special_ip_errors(address, path)


def _hint_errors(hints: EndpointHints | None, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for name in ("forZones", "forNodes"):
        given = getattr(hints, name) if hints is not None else []
        at = path / name
        if len(given) > _MAX_HINTS:
            errors.append(too_many(at, len(given), _MAX_HINTS))
            continue
        seen = set()
        for i, hint in enumerate(given):
            if hint.name in seen:
                errors.append(duplicate(at.index(i) / "name", hint.name))
            seen.add(hint.name)
            where = at.index(i) / "name"
            errors += [invalid_value(where, hint.name, text) for text in dns_subdomain(hint.name)]
    return errors


def _ports_errors(ports: list[EndpointPort]) -> list[FieldError]:
    path = Path("ports")
    if len(ports) > _MAX_PORTS:
        return [too_many(path, len(ports), _MAX_PORTS)]
    errors = []
    seen = set()
    for i, port in enumerate(ports):
        at, name = path.index(i), port.name or ""
        if name:
            errors += [invalid_value(at / "name", name, text) for text in dns_label(name)]
        if name in seen:
            errors.append(duplicate(at / "name", name))
        seen.add(name)
        if port.protocol is None:
            errors.append(required(at / "protocol"))
        elif port.protocol not in PROTOCOLS:
            errors.append(not_supported(at / "protocol", port.protocol, PROTOCOLS))
        if (spoken := port.appProtocol) is not None:
            where = at / "appProtocol"
            errors += [invalid_value(where, spoken, text) for text in qualified_name(spoken)]
    return errors


def _port_texts(obj: EndpointSlice, now: datetime) -> str:
    texts = []
    for port in obj.ports:
        known = str(port.port) if port.port is not None else port.name
        texts.append("*" if known is None else known)
    return first_few(texts) or "<unset>"


def _address_texts(obj: EndpointSlice, now: datetime) -> str:
    return first_few([ip for endpoint in obj.endpoints for ip in endpoint.addresses]) or "<unset>"


ENDPOINT_SLICES = EndpointSliceResource(
    group="discovery.k8s.io",
    version="v1",
    kind="EndpointSlice",
    plural="endpointslices",
    singular="endpointslice",
    type=EndpointSlice,
    namespaced=True,
    columns=(
        NAME,
        Column("AddressType", lambda obj, now: obj.addressType, description="Their family."),
        Column("Ports", _port_texts, description="Their ports."),
        Column("Endpoints", _address_texts, description="The addresses."),
        AGE,
    ),
)
