"""Where a Service can be reached from the server: its ready endpoints, else its cluster address."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from strongroom.access.admission.webhook.port import CallingFailed
from strongroom.api.gotext import quote
from strongroom.registry.registry import Registry

Registries = Callable[[str, str], Registry[Any] | None]


class Services:
    """Resolves Services by what is stored of them. Nothing is asked of the network."""

    def __init__(self, registries: Registries) -> None:
        self._registries = registries
        self._turn = itertools.count()

    def resolve(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        """Address and port of a Service's port; endpoints take turns. Raises CallingFailed."""
        service = self._object("services", namespace, name)
        if service is None:
            raise CallingFailed(f"service {quote(name)} not found")
        spec = service.spec
        if spec.type == "ExternalName":
            return spec.externalName, port
        found = next((p for p in spec.ports if p.port == port), None)
        if found is None:
            raise CallingFailed(f'no service port {port} found for service "{name}"')
        ready = sorted(set(self._endpoints(namespace, name, found.name)))
        if ready:
            return ready[next(self._turn) % len(ready)]
        if spec.clusterIP and spec.clusterIP != "None":
            return spec.clusterIP, port
        raise CallingFailed(f"no endpoints available for service {quote(name)}")

    def _object(self, plural: str, namespace: str, name: str) -> Any:
        registry = self._registries("", plural)
        entry = registry and registry.cache.get(registry.resource.key(namespace, name))
        return entry.item.obj if entry and entry.error is None else None

    def _endpoints(self, namespace: str, name: str, port: str) -> Iterator[tuple[str, int]]:
        endpoints = self._object("endpoints", namespace, name)
        for subset in endpoints.subsets if endpoints is not None else ():
            for offered in subset.ports:
                if offered.name == port:
                    yield from ((address.ip, offered.port) for address in subset.addresses)
