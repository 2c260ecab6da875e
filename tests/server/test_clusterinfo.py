"""What is served to who has no credentials yet: where the server is, and whom to trust."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.resources.configmap import CONFIG_MAPS, ConfigMap
from strongroom.resources.legacy_tokens import TRACKING_NAME, read_day
from strongroom.server.clusterinfo import public_url
from tests.server.conftest import Running, running

PUBLIC = ("cluster-info", "kube-public")


def cluster_of(config: ConfigMap) -> dict[str, Any]:
    tree = yaml.safe_load(config.data["kubeconfig"])
    assert (tree["apiVersion"], tree["kind"]) == ("v1", "Config")
    assert not tree["users"]
    (entry,) = tree["clusters"]
    assert entry["name"] == ""
    cluster: dict[str, Any] = entry["cluster"]
    return cluster


async def test_it_leads_to_this_server_and_follows_it(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "data" / "admin.kubeconfig"
    async with running(tmp_path), Client(load_config(kubeconfig)) as client:
        first = await client.get(CONFIG_MAPS, *PUBLIC)
        cluster = cluster_of(first)
        assert cluster["server"] == client.config.server
        ca = base64.b64decode(cluster["certificate-authority-data"])
        assert ca == (tmp_path / "data" / "pki" / "ca.crt").read_bytes()
        # What others add to it stays when the address changes.
        more = {"metadata": {"labels": {"by": "us"}}}
        await client.patch(CONFIG_MAPS, *PUBLIC, more)
        tracking = await client.get(CONFIG_MAPS, TRACKING_NAME, "kube-system")
        read_day(tracking.data["since"])
        await client.patch(CONFIG_MAPS, TRACKING_NAME, "kube-system", {"data": {"since": "x"}})
    async with running(tmp_path), Client(load_config(kubeconfig)) as client:
        second = await client.get(CONFIG_MAPS, *PUBLIC)
        assert cluster_of(second)["server"] == client.config.server
        assert second.metadata.labels == {"by": "us"}
        assert second.metadata.uid == first.metadata.uid
        again = await client.get(CONFIG_MAPS, TRACKING_NAME, "kube-system")
        read_day(again.data["since"])
        mine = second.data["kubeconfig"].replace("127.0.0.1", "k8s.example.com")
        await client.patch(CONFIG_MAPS, *PUBLIC, {"data": {"kubeconfig": mine}})
    async with running(tmp_path), Client(load_config(kubeconfig)) as client:
        third = await client.get(CONFIG_MAPS, *PUBLIC)
        assert third.data == {"kubeconfig": mine}


async def test_anybody_may_read_it_and_nothing_else(api: Running) -> None:
    path = "/api/v1/namespaces/kube-public/configmaps"
    found = await api.ask("GET", f"{path}/cluster-info?timeout=10s", identity="")
    assert (found.code, found.json["metadata"]["name"]) == (200, "cluster-info")
    assert api.audit_events()[-1]["user"]["username"] == "system:anonymous"
    for method, where, code in (
        ("GET", path, 401),
        ("GET", f"{path}/other", 401),
        ("GET", f"{path}?fieldSelector=metadata.name%3Dcluster-info", 401),
        ("GET", "/api/v1/namespaces/kube-system/configmaps/cluster-info", 401),
        ("DELETE", f"{path}/cluster-info", 403),
        ("PUT", f"{path}/cluster-info", 403),
    ):
        assert (await api.ask(method, where, {}, identity="")).code == code, where


@pytest.mark.parametrize(
    ("url", "bind", "public"),
    [
        ("https://127.0.0.1:6443", "127.0.0.1", "https://127.0.0.1:6443"),
        ("https://10.0.0.1:6443", "10.0.0.1", "https://10.0.0.1:6443"),
        ("https://127.0.0.1:6443", "0.0.0.0", "https://machine:6443"),
        ("https://[::1]:6443", "::", "https://machine:6443"),
    ],
)
def test_other_machines_are_told_a_name_that_leads_here(
    url: str, bind: str, public: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Machine")
    assert public_url(url, bind) == public
