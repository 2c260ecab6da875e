"""How a new node learns whom to trust, from a bootstrap token: as ``kubeadm join`` does.

``cluster-info`` is fetched from whoever answers, since nobody is trusted yet. It must carry the
token's signature, and name an authority whose key the administrator told beforehand: who holds
another token could sign too. Then the same is asked for once more from whoever that authority
vouches for, and must be the same. Source: ``kubeadm/app/discovery/token``. Unlike there, other
authorities beside it vouch for nobody here: who may sign could have put one of their own there.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import yaml

from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.config import ClientConfig, load_config
from strongroom.client.errors import ClientFailure, InvalidConfig
from strongroom.node.certificates import BadCertificate, pinned
from strongroom.resources import cluster_info
from strongroom.resources.configmap import CONFIG_MAPS


class Undiscovered(Exception):
    """The cluster could not be found or must not be trusted; the text says why."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the API server is, and the authority that vouches for it (PEM)."""

    server: str
    authority: bytes = field(repr=False)


async def discover(
    server: str, token_id: str, secret: bytes, wanted: frozenset[str] | None
) -> Cluster:
    """The cluster behind a URL. ``wanted`` are the pins of which its authority must have one;
    None trusts whatever the token signed. Raises Undiscovered."""
    found = await _info(ClientConfig(server=server, insecure=True))
    if not cluster_info.is_signed(found, token_id, secret):
        raise Undiscovered(
            f"cluster-info of {server} is not signed by token {token_id}: "
            "it is another cluster's, has expired, or may not sign"
        )
    authority = _authority(found[cluster_info.KUBECONFIG_KEY])
    trusted = authority if wanted is None else _wanted(authority, wanted)
    again = await _info(ClientConfig(server=server, ca_data=trusted))
    if again[cluster_info.KUBECONFIG_KEY] != found[cluster_info.KUBECONFIG_KEY]:
        raise Undiscovered(f"{server} tells something else to who trusts it")
    return Cluster(server, authority)


def of_file(path: str) -> Cluster:
    """The cluster that a kubeconfig names, which was brought here by a way that is trusted."""
    try:
        config = load_config(path)
    except InvalidConfig as error:
        raise Undiscovered(str(error)) from error
    if not config.ca_data:
        raise Undiscovered(f"{path} names no authority")
    return Cluster(config.server, config.ca_data)


async def _info(config: ClientConfig) -> dict[str, str]:
    name, namespace = cluster_info.NAME, cluster_info.NAMESPACE
    async with Client(config, user_agent="strongroom-node") as client:
        try:
            data = (await client.get(CONFIG_MAPS, name, namespace)).data
        except (StatusError, ClientFailure) as error:
            raise Undiscovered(f"cannot read cluster-info: {error}") from error
    if cluster_info.KUBECONFIG_KEY not in data:
        raise Undiscovered("cluster-info holds no kubeconfig")
    return data


def _authority(kubeconfig: str) -> bytes:
    """The authority of the only cluster of a kubeconfig with nobody's credentials."""
    try:
        tree: Any = yaml.safe_load(kubeconfig)
        [entry] = tree["clusters"]
        return base64.b64decode(entry["cluster"]["certificate-authority-data"], validate=True)
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise Undiscovered("the kubeconfig of cluster-info cannot be read") from error


def _wanted(authority: bytes, pins: frozenset[str]) -> bytes:
    """What was told beforehand of the authorities of a cluster."""
    try:
        found = pinned(authority, pins)
    except BadCertificate as error:
        raise Undiscovered(str(error)) from error
    if not found:
        raise Undiscovered("the cluster's authority has none of the keys that were told")
    return found
