"""The command that makes another machine a node of a cluster."""

from __future__ import annotations

import base64
from typing import Any

import yaml

from strongroom.api.errors import StatusError
from strongroom.cli.people import Failure
from strongroom.client.client import Client
from strongroom.resources import cluster_info
from strongroom.resources.certificate_pins import pins
from strongroom.resources.configmap import CONFIG_MAPS


async def join_command(client: Client, token: str) -> str:
    """A line for a shell, which keeps the token out of the arguments of processes.

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
    joined = " ".join(["strongroom node join", server, "--token-file /dev/stdin", *wanted])
    return f"printf %s {token} | {joined}"


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
