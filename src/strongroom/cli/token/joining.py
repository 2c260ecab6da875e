"""The command that makes another machine a node of a cluster."""

from __future__ import annotations

import base64
import shlex
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import yaml

from strongroom.api.errors import StatusError
from strongroom.cli.people import Failure
from strongroom.client.client import Client
from strongroom.resources import cluster_info
from strongroom.resources.certificate_pins import pins
from strongroom.resources.configmap import CONFIG_MAPS


@dataclass(frozen=True, slots=True)
class Joining:
    """How to join: a line for a shell, which keeps the token out of the arguments of processes."""

    line: str = field(repr=False)
    server: str

    @property
    def is_local(self) -> bool:
        """Whether the server can only be reached from its own machine."""
        host = urlsplit(self.server).hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")


async def join_command(client: Client, token: str) -> Joining:
    """How another machine joins with this token.

    Where to join is what the cluster tells everybody; where it tells nothing, as this client is
    configured. Raises StatusError, Failure.
    """
    server, authority = await _told(client) or (client.config.server, client.config.ca_data)
    try:
        wanted = [f"--ca-cert-hash {pin}" for pin in pins(authority)]
    except ValueError as error:
        raise Failure(f"the cluster's authority: {error}") from error
    if not wanted:
        raise Failure("neither cluster-info nor the kubeconfig names the cluster's authority")
    # Who writes cluster-info says what stands here, and the line is made to be run.
    quoted = shlex.quote(server)
    joined = " ".join(["strongroom node join", quoted, "--token-file /dev/stdin", *wanted])
    return Joining(f"printf %s {token} | {joined}", server)


async def _told(client: Client) -> tuple[str, bytes] | None:
    """The URL and the authority that cluster-info tells, if there is one."""
    name, namespace = cluster_info.NAME, cluster_info.NAMESPACE
    try:
        data = (await client.get(CONFIG_MAPS, name, namespace)).data
    except StatusError as error:
        if error.code not in (403, 404):
            raise
        return None
    try:
        tree: Any = yaml.safe_load(data[cluster_info.KUBECONFIG_KEY])
        [entry] = tree["clusters"]
        cluster = entry["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"], validate=True)
        return str(cluster["server"]), authority
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise Failure("the kubeconfig of cluster-info cannot be read") from error
