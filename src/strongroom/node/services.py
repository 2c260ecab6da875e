"""The variables by which containers find services.

Rules: the kubelet's ``getServiceEnvVarMap`` and ``pkg/kubelet/envvars``. The API server's own are
made of the address by which this node reaches it, not of the Service ``default/kubernetes``: no
proxy makes a Service's address reachable for the processes that the process runtime starts, and the
node's own connection shows that the server's certificate is good for that address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from urllib.parse import urlsplit

from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.informer import Informer
from strongroom.resources.pod import Pod
from strongroom.resources.service import SERVICES, Service
from strongroom.resources.service_object import NONE_IP

_API = ("default", "kubernetes")


class ServiceVariables:
    """The services of the cluster, followed, as variables. ``start`` it, then ``close`` it."""

    def __init__(self, client: Client, server: str, *, sleep: Sleep = asyncio.sleep) -> None:
        self._api = api_variables(server)
        self._informer: Informer[Service] = Informer(client, SERVICES, sleep=sleep)
        self._informer.add_index("namespace", lambda service: [service.metadata.namespace])

    async def start(self) -> None:
        """Returns when the services are known: no container may start with some left out."""
        self._informer.start()
        await self._informer.wait_synced()

    async def close(self) -> None:
        """Follow no more."""
        await self._informer.close()

    def of(self, pod: Pod) -> dict[str, str]:
        """The variables that every container of ``pod`` gets."""
        if pod.spec.enableServiceLinks is False:
            return dict(self._api)
        near = self._informer.by_index("namespace", pod.metadata.namespace)
        return {**linked(near), **self._api}


def api_variables(server: str) -> dict[str, str]:
    """The variables by which pods find the API server, whose address is the URL ``server``."""
    url = urlsplit(server)
    port = str(url.port or 443)
    return _variables("kubernetes", url.hostname or "", [("https", "TCP", port)])


def linked(services: Iterable[Service]) -> dict[str, str]:
    """The variables of those services that have an address."""
    found: dict[str, str] = {}
    for service in services:
        spec, meta = service.spec, service.metadata
        if not spec.clusterIP or spec.clusterIP == NONE_IP or not spec.ports:
            continue
        if (meta.namespace, meta.name) == _API:
            continue
        ports = [(port.name, port.protocol or "TCP", str(port.port)) for port in spec.ports]
        found.update(_variables(meta.name, spec.clusterIP, ports))
    return found


def _variables(name: str, host: str, ports: list[tuple[str, str, str]]) -> dict[str, str]:
    """``ports`` are names, protocols and numbers; the first is the one that old clients know."""
    prefix = _spelled(name)
    found = {f"{prefix}_SERVICE_HOST": host, f"{prefix}_SERVICE_PORT": ports[0][2]}
    for port_name, _, number in ports:
        if port_name:
            found[f"{prefix}_SERVICE_PORT_{_spelled(port_name)}"] = number
    shown = f"[{host}]" if ":" in host else host
    for i, (_, protocol, number) in enumerate(ports):
        link = f"{protocol.lower()}://{shown}:{number}"
        if i == 0:
            found[f"{prefix}_PORT"] = link
        one = f"{prefix}_PORT_{number}_{protocol.upper()}"
        found |= {one: link, f"{one}_PROTO": protocol.lower()}
        found |= {f"{one}_PORT": number, f"{one}_ADDR": host}
    return found


def _spelled(name: str) -> str:
    return name.replace("-", "_").upper()
