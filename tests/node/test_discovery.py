"""Whom a new node believes about a cluster, beside a real server."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.node.discovery import Undiscovered, discover
from strongroom.resources import cluster_info
from strongroom.resources.certificate_pins import pins
from strongroom.resources.configmap import CONFIG_MAPS
from strongroom.server.clusterinfo import kubeconfig
from tests.controllers.certificates.making import authority
from tests.server.conftest import running

ID, SECRET = "join00", b"0123456789abcdef"


async def test_an_authority_beside_the_one_that_was_told_vouches_for_nobody(
    tmp_path: Path,
) -> None:
    """Who has the token can sign, and can name the cluster's authority beside one of their own."""
    other = authority("another cluster")[0]
    async with running(tmp_path):
        config = load_config(tmp_path / "data" / "admin.kubeconfig")
        own, url = (tmp_path / "data" / "pki" / "ca.crt").read_bytes(), config.server
        text = kubeconfig(url, own + other)
        signature = cluster_info.detached_signature(text, ID, SECRET)
        data = {
            cluster_info.KUBECONFIG_KEY: text,
            cluster_info.SIGNATURE_PREFIX + ID: signature,
        }
        async with Client(config) as admin:
            where = cluster_info.NAME, cluster_info.NAMESPACE
            await admin.patch(CONFIG_MAPS, *where, {"data": data})
        with pytest.raises(Undiscovered, match="cannot read cluster-info"):
            await discover(url, ID, SECRET, frozenset(pins(other)))
        found = await discover(url, ID, SECRET, frozenset(pins(own)))
        assert pins(found.authority) == pins(own + other)
        assert base64.b64encode(found.authority).decode() in text
