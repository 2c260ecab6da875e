"""Endpoints: the addresses behind a service, in the old form.

Kept and checked only: no controller of ours fills them in. Rules: ``ValidateEndpoints`` in
``pkg/apis/core/validation``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    Path,
    dns_label,
    dns_subdomain,
    invalid_value,
    not_supported,
    port_number,
    qualified_name,
    required,
)
from strongroom.resources.addresses import ip_errors, special_ip_errors
from strongroom.resources.columns import AGE, NAME, NONE
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.resource import Column, Resource

PROTOCOLS = ("SCTP", "TCP", "UDP")
_SHOWN = 3


class EndpointAddress(Struct):
    """An address, and what is found there."""

    owned_whole: ClassVar[bool] = True

    ip: Annotated[str, F(1, "The address.", required=True)] = always(str)
    hostname: Annotated[str, F(3, "Name of the endpoint.")] = ""
    nodeName: Annotated[str | None, F(4, "Node on which it is.")] = None
    targetRef: Annotated[ObjectReference | None, F(2, "What is found there, mostly a pod.")] = None


class EndpointPort(Struct):
    """A port of the endpoints."""

    owned_whole: ClassVar[bool] = True

    name: Annotated[str, F(1, "Name of the service's port.")] = ""
    port: Annotated[int, F(2, "Number of the port.", format="int32", required=True)] = always(int)
    protocol: Annotated[str, F(3, "TCP, UDP or SCTP; TCP by default.", enum=PROTOCOLS)] = ""
    appProtocol: Annotated[str | None, F(4, "What is spoken on the port.")] = None


class EndpointSubset(Struct):
    """Addresses that share their ports."""

    addresses: Annotated[
        list[EndpointAddress], F(1, "Addresses that take requests.", list_type="atomic")
    ] = []
    notReadyAddresses: Annotated[
        list[EndpointAddress], F(2, "Addresses that do not take requests yet.", list_type="atomic")
    ] = []
    ports: Annotated[list[EndpointPort], F(3, "The ports.", list_type="atomic")] = []


class Endpoints(Object):
    """Where a service leads, in the old form; EndpointSlices are the new one."""

    max_values: ClassVar[int] = 15_000

    subsets: Annotated[
        list[EndpointSubset], F(2, "The addresses, by their ports.", list_type="atomic")
    ] = []


class EndpointsResource(Resource[Endpoints]):
    """The behaviour of Endpoints."""

    def default(self, obj: Endpoints) -> None:
        for subset in obj.subsets:
            for port in subset.ports:
                port.protocol = port.protocol or "TCP"

    def validate(self, obj: Endpoints) -> list[FieldError]:
        errors = []
        for i, subset in enumerate(obj.subsets):
            errors += _subset_errors(subset, Path("subsets").index(i))
        return errors


def _subset_errors(subset: EndpointSubset, path: Path) -> list[FieldError]:
    errors = []
    if not subset.addresses and not subset.notReadyAddresses:
        errors.append(required(path, "must specify `addresses` or `notReadyAddresses`"))
    for name in ("addresses", "notReadyAddresses"):
        for i, address in enumerate(getattr(subset, name)):
            errors += _address_errors(address, (path / name).index(i))
    for i, port in enumerate(subset.ports):
        errors += _port_errors(port, (path / "ports").index(i), named=len(subset.ports) > 1)
    return errors


def _address_errors(address: EndpointAddress, path: Path) -> list[FieldError]:
    errors = ip_errors(address.ip, path / "ip")
    if name := address.hostname:
        errors += [invalid_value(path / "hostname", name, text) for text in dns_label(name)]
    if address.nodeName is not None:
        at, name = path / "nodeName", address.nodeName
        errors += [invalid_value(at, name, text) for text in dns_subdomain(name)]
    return errors + special_ip_errors(address.ip, path / "ip")


def _port_errors(port: EndpointPort, path: Path, *, named: bool) -> list[FieldError]:
    errors = []
    if named and not port.name:
        errors.append(required(path / "name"))
    elif port.name:
        errors += [invalid_value(path / "name", port.name, text) for text in dns_label(port.name)]
    errors += [invalid_value(path / "port", port.port, text) for text in port_number(port.port)]
    if not port.protocol:
        errors.append(required(path / "protocol"))
    elif port.protocol not in PROTOCOLS:
        errors.append(not_supported(path / "protocol", port.protocol, PROTOCOLS))
    if (spoken := port.appProtocol) is not None:
        at = path / "appProtocol"
        errors += [invalid_value(at, spoken, text) for text in qualified_name(spoken)]
    return errors


def first_few(texts: list[str]) -> str:
    """The first three, and how many more there are."""
    shown = ",".join(texts[:_SHOWN])
    return f"{shown} + {len(texts) - _SHOWN} more..." if len(texts) > _SHOWN else shown


def _endpoints(obj: Endpoints, now: datetime) -> str:
    if not obj.subsets:
        return NONE
    texts = []
    for subset in obj.subsets:
        addresses = [address.ip for address in subset.addresses]
        texts += [_joined(ip, p.port) for p in subset.ports for ip in addresses]
        texts += [] if subset.ports else addresses
    return first_few(texts)


def _joined(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


ENDPOINTS = EndpointsResource(
    group="",
    version="v1",
    kind="Endpoints",
    plural="endpoints",
    singular="endpoints",
    short_names=("ep",),
    type=Endpoints,
    namespaced=True,
    columns=(
        NAME,
        Column("Endpoints", _endpoints, description="Addresses and ports."),
        AGE,
    ),
    storage_prefix="services/endpoints",
    deprecation="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
)
