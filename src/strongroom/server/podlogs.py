"""``pods/log``: what a container wrote, fetched from the node that runs it.

The node's address and port come from its Node object, whose status the node writes itself; it is
believed only as far as TLS goes: the node must show a certificate of our authority for its name.

The HTTP client is imported when logs are first asked for: it is a quarter of what a server would
import at its start, and many servers never need it.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from strongroom.api.errors import (
    FieldError,
    GroupKind,
    StatusError,
    bad_request,
    internal_error,
    invalid,
)
from strongroom.api.times import parse_time
from strongroom.api.validation import Path, forbidden_field, invalid_value
from strongroom.registry.registry import Registry
from strongroom.server.call import Call, integer
from strongroom.server.reply import TEXT, StreamReply
from strongroom.server.urls import flag
from strongroom.server.verbs.verb import Verb

if TYPE_CHECKING:
    import aiohttp

DEFAULT_PORT = 10250
ADDRESS_TYPES = ("InternalIP", "Hostname", "InternalDNS", "ExternalIP", "ExternalDNS")
"""Addresses of a node, the best first: a name may not resolve where the server runs."""

MAX_REFUSAL = 2048
"""Bytes of a node's refusal that are passed on."""

CONNECT_TIMEOUT = 10.0


class PodLogs:
    """Serves ``pods/log``. ``close`` ends its connections to nodes."""

    def __init__(self, pods: Registry[Any], nodes: Registry[Any], context: ssl.SSLContext) -> None:
        self._pods = pods
        self._nodes = nodes
        self._context = context
        self._session: aiohttp.ClientSession | None = None
        self.verb = Verb(self.run, negotiated=False)

    async def close(self) -> None:
        """Close the connections to nodes."""
        if self._session is not None:
            await self._session.close()

    async def run(self, call: Call) -> StreamReply:
        """Find the container's node and pass its log through. Raises StatusError."""
        target = call.target
        parameters = log_parameters(call)
        view = await self._pods.get(call.context(), target.namespace, target.name)
        pod = view.obj
        container = choose_container(pod, target.first("container"))
        if not pod.spec.nodeName:
            return StreamReply(_nothing(), TEXT)
        base = await self._node_url(call, pod.spec.nodeName)
        path = "/".join(quote(p, safe="") for p in (target.namespace, target.name, container))
        response = await self._open(f"{base}/containerLogs/{path}", parameters, pod.spec.nodeName)
        return StreamReply(_pass_through(response), TEXT)

    async def _node_url(self, call: Call, name: str) -> str:
        node = (await self._nodes.get(call.context(), "", name)).obj
        by_type = {a.type: a.address for a in reversed(node.status.addresses)}
        address = next((by_type[kind] for kind in ADDRESS_TYPES if by_type.get(kind)), "")
        if not address:
            raise internal_error(f"no preferred addresses found for node {name}")
        port = _kubelet_port(node)
        return f"https://[{address}]:{port}" if ":" in address else f"https://{address}:{port}"

    async def _open(
        self, url: str, parameters: dict[str, str], node: str
    ) -> aiohttp.ClientResponse:
        import aiohttp

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT)
            self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)
        try:
            response = await self._session.get(
                url,
                params=parameters,
                ssl=self._context,
                server_hostname=node,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise internal_error(f"node {node} cannot be reached for logs") from error
        if response.status != 200:
            raise await _refusal(response)
        return response


def log_parameters(call: Call) -> dict[str, str]:
    """The query that the node is asked with. Raises StatusError 400, 422."""
    query, target = call.query, call.target
    numbers = {name: integer(query, name) for name in ("sinceSeconds", "tailLines", "limitBytes")}
    since = target.first("sinceTime")
    errors = _log_errors(numbers, since)
    if errors:
        raise invalid(GroupKind("", "PodLogOptions"), target.name, errors)
    parameters = {name: str(number) for name, number in numbers.items() if number is not None}
    parameters |= {
        name: "true" for name in ("follow", "previous", "timestamps") if flag(query, name)
    }
    if since:
        try:
            parse_time(since)
        except ValueError:
            raise bad_request("sinceTime: expected a time in RFC 3339 form") from None
        parameters["sinceTime"] = since
    return parameters


def _log_errors(numbers: dict[str, int | None], since: str) -> list[FieldError]:
    errors = []
    tail, limit, seconds = numbers["tailLines"], numbers["limitBytes"], numbers["sinceSeconds"]
    if tail is not None and tail < 0:
        errors.append(invalid_value(Path("tailLines"), tail, "must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        errors.append(invalid_value(Path("limitBytes"), limit, "must be greater than 0"))
    if seconds is not None and since:
        text = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        errors.append(forbidden_field(Path(""), text))
    elif seconds is not None and seconds < 1:
        errors.append(invalid_value(Path("sinceSeconds"), seconds, "must be greater than 0"))
    return errors


def choose_container(pod: Any, asked: str) -> str:
    """The container asked for, or the only one. Raises StatusError 400 in upstream's words."""
    name = pod.metadata.name
    containers = [c.name for c in pod.spec.containers]
    initial = [c.name for c in getattr(pod.spec, "initContainers", [])]
    if asked:
        if asked not in (*containers, *initial):
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(containers) == 1:
        return str(containers[0])
    text = f"a container name must be specified for pod {name}"
    if containers:
        text += f", choose one of: [{' '.join(containers)}]"
    if initial:
        text += f" or one of the init containers: [{' '.join(initial)}]"
    raise bad_request(text)


def _kubelet_port(node: Any) -> int:
    endpoints = getattr(node.status, "daemonEndpoints", None)
    endpoint = getattr(endpoints, "kubeletEndpoint", None)
    return int(getattr(endpoint, "Port", 0) or DEFAULT_PORT)


async def _refusal(response: aiohttp.ClientResponse) -> StatusError:
    """A node's refusal as a Status: its text is upstream's contract for clients."""
    async with response:
        text = (await response.content.read(MAX_REFUSAL)).decode(errors="replace").strip()
    if response.status == 400:
        return bad_request(text)
    if response.status == 404:
        return StatusError(404, "NotFound", text or "the server could not find the requested log")
    return internal_error(f"the node answered {response.status}")


async def _nothing() -> AsyncGenerator[bytes, None]:
    """The log of a pod that no node has: empty."""
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk


async def _pass_through(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    async with response:
        async for chunk in response.content.iter_any():
            yield chunk
