"""Addresses and node ports of Services: given out, never to two at once, taken back on delete.

What is taken is read from the stored Services each time, so that nothing else has to be kept in
step with them. Writes of Services wait for each other from that look until the write is stored.
Source of the rules: ``pkg/registry/core/service/storage/alloc.go`` and ``.../ipallocator``.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from strongroom.access.admission.port import AdmissionRequest
from strongroom.api.errors import FieldError, StatusError, internal_error, invalid
from strongroom.api.validation import Path, invalid_value
from strongroom.registry.registry import Registry
from strongroom.registry.view import View
from strongroom.resources.addresses import IPV4, IPV6, Network, family_of, parse_ip
from strongroom.resources.service import SERVICES, Service, ServicePort
from strongroom.resources.service_families import SINGLE_STACK, address_errors
from strongroom.resources.service_object import (
    EXTERNAL_NAME,
    NONE_IP,
    is_headless,
    needs_health_check,
    needs_node_ports,
)
from strongroom.server.turns import Turns

DEFAULT_RANGE = ipaddress.ip_network("10.96.0.0/12")
NODE_PORTS = range(30000, 32768)

_SPEC = Path("spec")
_TURN = "service-addresses"


@dataclass(slots=True)
class Taken:
    """What other Services hold."""

    addresses: set[str] = field(default_factory=set)
    ports: set[tuple[str, int]] = field(default_factory=set)

    def hold(self, service: Service) -> None:
        """Add what a Service holds."""
        self.addresses.update(ip for ip in service.spec.clusterIPs if ip != NONE_IP)
        self.ports.update((p.protocol, p.nodePort) for p in service.spec.ports if p.nodePort)
        if service.spec.healthCheckNodePort:
            self.ports.add(("TCP", service.spec.healthCheckNodePort))


class ServiceAddresses:
    """Gives every Service what its type needs, as the last of those who change it."""

    name = "ServiceAddresses"

    def __init__(self, network: Network = DEFAULT_RANGE, ports: range = NODE_PORTS) -> None:
        self.network = network
        self._ports = ports
        self._family = IPV6 if network.version == 6 else IPV4
        self.taken: Callable[[str, str], Taken] = lambda namespace, name: Taken()

    async def mutate(self, request: AdmissionRequest) -> None:
        service, old = request.obj, request.old
        if request.attributes.subresource or not isinstance(service, Service):
            return
        before = old if isinstance(old, Service) else None
        taken = self.taken(service.metadata.namespace, service.metadata.name)
        self._settle_families(service, before)
        self._give_addresses(service, before, taken)
        self._give_ports(service, before, taken)

    async def validate(self, request: AdmissionRequest) -> None:
        """Nothing more: what was given is right."""

    def _settle_families(self, service: Service, old: Service | None) -> None:
        spec = service.spec
        if spec.type == EXTERNAL_NAME:
            return
        free = spec.clusterIP == NONE_IP and not spec.selector
        if spec.ipFamilyPolicy is None:
            known = old.spec.ipFamilyPolicy if old is not None else None
            spec.ipFamilyPolicy = known or ("RequireDualStack" if free else SINGLE_STACK)
        if errors := address_errors(service) or self._policy_errors(service, old):
            raise _refused(service, errors)
        for ip in spec.clusterIPs[len(spec.ipFamilies) :]:
            if ip != NONE_IP:
                spec.ipFamilies = [*spec.ipFamilies, family_of(ip)]
        spec.ipFamilies = spec.ipFamilies or [self._family]
        if free:
            if len(spec.ipFamilies) < 2 and spec.ipFamilyPolicy != SINGLE_STACK:
                other = IPV4 if spec.ipFamilies[0] == IPV6 else IPV6
                spec.ipFamilies = [*spec.ipFamilies, other]
            return
        if errors := self._family_errors(service):
            raise _refused(service, errors)

    def _policy_errors(self, service: Service, old: Service | None) -> list[FieldError]:
        spec, errors = service.spec, []
        if spec.ipFamilyPolicy == SINGLE_STACK:
            path, text = _SPEC / "ipFamilyPolicy", "must be 'RequireDualStack' or 'PreferDualStack'"
            for values, what in (
                (spec.clusterIPs, "cluster IPs"),
                (spec.ipFamilies, "IP families"),
            ):
                if len(values) == 2:
                    detail = f"{text} when multiple {what} are specified"
                    errors.append(invalid_value(path, spec.ipFamilyPolicy, detail))
        for i, ip in enumerate(spec.clusterIPs):
            unknown = ip != NONE_IP and family_of(ip) != self._family
            if unknown and i >= len(spec.ipFamilies):
                detail = f"{family_of(ip)} is not configured on this cluster"
                errors.append(invalid_value((_SPEC / "clusterIPs").index(i), ip, detail))
        return errors

    def _family_errors(self, service: Service) -> list[FieldError]:
        spec, errors = service.spec, []
        if spec.ipFamilyPolicy == "RequireDualStack":
            detail = "this cluster is not configured for dual-stack services"
            errors.append(invalid_value(_SPEC / "ipFamilyPolicy", spec.ipFamilyPolicy, detail))
        for i, family in enumerate(spec.ipFamilies):
            if family != self._family:
                path = (_SPEC / "ipFamilies").index(i)
                errors.append(invalid_value(path, family, "not configured on this cluster"))
        return errors

    def _give_addresses(self, service: Service, old: Service | None, taken: Taken) -> None:
        spec = service.spec
        if spec.type == EXTERNAL_NAME or is_headless(service):
            return
        held = set(old.spec.clusterIPs) if old is not None else set()
        if not spec.clusterIPs:
            spec.clusterIP = self._free_address(taken.addresses)
            spec.clusterIPs = [spec.clusterIP]
        elif wrong := next(
            (w for ip in spec.clusterIPs if (w := self._wrong(ip, held, taken))), ""
        ):
            error = invalid_value(_SPEC / "clusterIPs", spec.clusterIPs, wrong)
            raise _refused(service, [error])

    def _wrong(self, ip: str, held: set[str], taken: Taken) -> str:
        """Why an address that was asked for cannot be had; empty when it can."""
        if ip in held:
            return ""
        address = parse_ip(ip)
        start = f"failed to allocate IP {ip}: "
        if address is None or address not in self.network:
            valid = f"The range of valid IPs is {self.network}"
            return f"{start}the provided IP ({ip}) is not in the valid range. {valid}"
        if address in (self.network[0], self.network[-1]):
            valid = f"The range of valid IPs is {self.network}"
            return f"{start}the provided IP ({ip}) is not in the valid range. {valid}"
        return f"{start}provided IP is already allocated" if ip in taken.addresses else ""

    def _free_address(self, taken: set[str]) -> str:
        """An address by chance, from the range's upper part first: the lower is for static ones."""
        size = self.network.num_addresses - 2
        reserved = min(max(16, size // 16), 256) if size >= 16 else 0
        for low, high in ((1 + reserved, size), (1, reserved)):
            for offset in _shuffled(low, high):
                ip = str(self.network[offset])
                if ip not in taken:
                    return ip
        raise internal_error("failed to allocate a serviceIP: range is full")

    def _give_ports(self, service: Service, old: Service | None, taken: Taken) -> None:
        spec = service.spec
        before = Taken()
        if old is not None:
            before.hold(old)
        if needs_node_ports(service):
            self._give_node_ports(service, before, taken)
        if needs_health_check(service) and not spec.healthCheckNodePort:
            spec.healthCheckNodePort = self._free_port("TCP", taken)

    def _give_node_ports(self, service: Service, before: Taken, taken: Taken) -> None:
        named = {(p.protocol, p.nodePort) for p in service.spec.ports if p.nodePort}
        for i, port in enumerate(service.spec.ports):
            key = (port.protocol, port.nodePort)
            asked = bool(port.nodePort) and key not in before.ports
            if asked and (wrong := self._wrong_port(key, taken)):
                path = (_SPEC / "ports").index(i) / "nodePort"
                raise _refused(service, [invalid_value(path, port.nodePort, wrong)])
            if not port.nodePort:
                taken.ports |= named  # what it names for its other ports is not free either
                shared = _shared(service, port, taken)
                port.nodePort = shared or self._free_port(port.protocol, taken)
                named.add((port.protocol, port.nodePort))

    def _wrong_port(self, key: tuple[str, int], taken: Taken) -> str:
        if key[1] not in self._ports:
            valid = f"{self._ports[0]}-{self._ports[-1]}"
            return f"provided port is not in the valid range. The range of valid ports is {valid}"
        return "provided port is already allocated" if key in taken.ports else ""

    def _free_port(self, protocol: str, taken: Taken) -> int:
        for port in _shuffled(self._ports[0], self._ports[-1]):
            if (protocol, port) not in taken.ports:
                return port
        raise internal_error("failed to allocate a nodePort: range is full")


def _shared(service: Service, port: ServicePort, taken: Taken) -> int:
    """The node's port of a port of the same number and another protocol; 0 if there is none."""
    same = (
        other.nodePort
        for other in service.spec.ports
        if other.nodePort and other.port == port.port and other.protocol != port.protocol
    )
    return next((n for n in same if (port.protocol, n) not in taken.ports), 0)


def _shuffled(low: int, high: int) -> Iterator[int]:
    """Every number of a range once, from a random one on and then in order, around its end."""
    count = high - low + 1
    if count > 0:
        start = secrets.randbelow(count)
        for step in range(count):
            yield low + (start + step) % count


def _refused(service: Service, errors: list[FieldError]) -> StatusError:
    return invalid(SERVICES.group_kind, service.metadata.name, errors)


class ServiceRegistry(Registry[Service]):
    """The Services; a write holds the addresses from the look at what is taken until it is stored.

    Dry runs go the same way and store nothing, so that they hold nothing either. ``turns`` are of
    the whole server: its other processes give addresses too.
    """

    def __init__(
        self, addresses: ServiceAddresses, turns: Turns, *args: Any, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._turns = turns
        addresses.taken = self._taken

    def _taken(self, namespace: str, name: str) -> Taken:
        taken = Taken()
        own = self.resource.key(namespace, name)
        for entry in self.cache.list(self.resource.prefix()).items:
            if entry.error is None and entry.key != own:
                taken.hold(entry.item.peek())
        return taken

    async def create(self, *args: Any, **options: Any) -> View[Service]:
        async with self._turns.turn(_TURN):
            await self._current()
            return await super().create(*args, **options)

    async def update(self, *args: Any, **options: Any) -> View[Any]:
        async with self._turns.turn(_TURN):
            await self._current()
            return await super().update(*args, **options)

    async def patch(self, *args: Any, **options: Any) -> View[Any]:
        async with self._turns.turn(_TURN):
            await self._current()
            return await super().patch(*args, **options)

    async def apply_configuration(self, *args: Any, **options: Any) -> View[Any]:
        async with self._turns.turn(_TURN):
            await self._current()
            return await super().apply_configuration(*args, **options)

    async def _current(self) -> None:
        """Wait until what is stored is seen, the write of whoever had the turn before included."""
        await self._reader.catch_up("")
