"""The default roles after a restart: what was taken away is back, what was added stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.server.conftest import Running, running

RBAC = "/apis/rbac.authorization.k8s.io/v1"
VIEW, DNS = f"{RBAC}/clusterroles/system:aggregate-to-view", f"{RBAC}/clusterroles/system:kube-dns"
DISCOVERY = f"{RBAC}/clusterrolebindings/system:discovery"
MONITORING = f"{RBAC}/clusterrolebindings/system:monitoring"
ADMIN = f"{RBAC}/clusterroles/admin"
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
OWN = {"verbs": ["get"], "apiGroups": ["acme.com"], "resources": ["boxes"]}


async def changed(api: Running, path: str, **parts: Any) -> None:
    body = (await api.ask("GET", path)).json | parts
    assert (await api.ask("PUT", path, body)).code == 200


async def test_reconciliation(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        before = (await api.ask("GET", VIEW)).json["rules"]
        await changed(api, VIEW, rules=[*before[1:], OWN])
        held = (await api.ask("GET", DNS)).json["metadata"]
        held["annotations"][AUTOUPDATE] = "false"
        await changed(api, DNS, rules=[], metadata=held)
        await changed(api, ADMIN, aggregationRule=None)
        jane = {"kind": "User", "name": "jane"}
        await changed(api, DISCOVERY, subjects=[jane])
        await api.ask("DELETE", MONITORING)
        other = {"kind": "ClusterRole", "name": "view"}
        await api.ask(
            "POST",
            f"{RBAC}/clusterrolebindings",
            {"metadata": {"name": "system:monitoring"}, "roleRef": other},
        )
        await api.ask("DELETE", f"{RBAC}/clusterroles/view")

    async with running(tmp_path) as api:
        rules = (await api.ask("GET", VIEW)).json["rules"]
        assert OWN in rules
        # What is added stands in rules of its own, and covers what was there.
        gone = set(before[0]["resources"])
        added = {
            r
            for rule in rules
            if rule["verbs"] == ["get", "list", "watch"]
            for r in rule["resources"]
        }
        assert gone <= added
        assert not (await api.ask("GET", DNS)).json.get("rules")
        assert "aggregationRule" in (await api.ask("GET", ADMIN)).json
        names = [s["name"] for s in (await api.ask("GET", DISCOVERY)).json["subjects"]]
        assert names == ["jane", "system:authenticated"]
        ref = (await api.ask("GET", MONITORING)).json["roleRef"]
        assert ref["name"] == "system:monitoring"
        assert (await api.ask("GET", f"{RBAC}/clusterroles/view")).code == 200
        revision = (await api.ask("GET", VIEW)).json["metadata"]["resourceVersion"]

    async with running(tmp_path) as api:
        # Nothing is left to do, so nothing is written.
        again = (await api.ask("GET", VIEW)).json["metadata"]["resourceVersion"]
        assert again == revision
