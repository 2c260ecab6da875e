"""A server that raises every alert of the default rules by real requests, and what it tells."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml

from strongroom.server.alerts.defaults import DEFAULT_RULES
from strongroom.testing.clock import ManualClock
from tests.server.conftest import SECRETS, Running, running, secret
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALERTS = "/apis/strongroom.io/v1alpha1/secretalerts"
PROMETHEUS = Path(__file__).parents[3] / "examples" / "prometheus"
CANARY = "canary-6f1d0c"
DAY = 86400.0
BEGIN = datetime.now(UTC) - timedelta(days=3)
MERGE = {"Content-Type": "application/merge-patch+json"}

Alert = dict[str, Any]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A server that has learned for a day, with thirty Secrets, of which admin has read one."""
    clock = ManualClock(BEGIN)
    async with running(tmp_path_factory.mktemp("alerts"), clock=clock) as api:
        await make_another(api, *(f"s{i}" for i in range(30)))
        assert (await api.ask("GET", f"{SECRETS}/s0")).code == 200
        clock.advance(1.5 * DAY)
        yield api


async def make_another(api: Running, *names: str) -> None:
    """Have Secrets made by another than who reads them: makers know what they made."""
    subject = {"kind": "User", "name": "system:kube-controller-manager"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "maker"}, "roleRef": role, "subjects": [subject]}
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    assert (await api.ask("POST", path, binding)).code == 201
    for name in names:
        body = secret(name, password=CANARY)
        made = await api.ask("POST", SECRETS, body, identity="controller-manager")
        assert made.code == 201


async def alerts(api: Running) -> dict[str, Alert]:
    """The newest alert of each rule."""
    found = (await api.ask("GET", ALERTS)).json["items"]
    return {alert["spec"]["rule"]: alert for alert in found}


async def raised(api: Running, rule: str, holds: Callable[[Alert], object] = bool) -> Alert:
    def there(found: dict[str, Alert]) -> object:
        return rule in found and holds(found[rule])

    return (await until(lambda: alerts(api), there))[rule]


async def test_a_read_that_is_usual_raises_nothing_and_the_first_one_does(api: Running) -> None:
    assert (await api.ask("GET", f"{SECRETS}/s0")).code == 200
    assert (await api.ask("GET", f"{SECRETS}/s1")).code == 200
    alert = await raised(api, "first-read")
    spec = alert["spec"]
    assert spec["secrets"] == [{"namespace": "default", "name": "s1"}]
    assert (spec["severity"], spec["count"], spec["type"]) == ("low", 1, "FirstRead")
    assert spec["message"] == "kubernetes-admin read default/s1, never before read by them"
    assert spec["user"]["name"] == "kubernetes-admin"
    assert spec["user"]["addresses"] == ["127.0.0.1"]
    (entry,) = [e for e in api.audit_events() if e["auditID"] == spec["auditIDs"][0]]
    assert entry["objectRef"]["name"] == "s1"
    assert entry["annotations"]["secrets.strongroom.io/values"] == "1"
    assert alert["metadata"]["namespace"] == "default"


async def test_many_reads_and_lists_of_all_namespaces_are_seen(api: Running) -> None:
    for i in range(26):
        await api.ask("GET", f"{SECRETS}/s{i}")
    many = await raised(api, "many-secrets", lambda a: a["spec"]["secretCount"] >= 26)
    assert many["metadata"]["namespace"] == "default"
    assert len(many["spec"]["secrets"]) == 20
    await api.ask("GET", "/api/v1/secrets")
    listed = await raised(api, "all-namespaces")
    assert listed["metadata"]["namespace"] == "kube-system"
    assert listed["spec"]["verbs"] == ["list"]


async def test_refusals_are_seen_by_user_and_by_address(api: Running) -> None:
    for i in range(10):
        assert (await api.ask("GET", f"{SECRETS}/s{i}", identity="node")).code == 403
    refused = (await raised(api, "refused-secrets"))["spec"]
    assert refused["user"]["name"] == "system:node:n1"
    assert refused["codes"] == [403]
    assert "no relationship found" in refused["reasons"][0]
    for _ in range(90):
        assert (await api.ask("GET", "/api/v1/replicationcontrollers", identity="node")).code == 403
    assert (await raised(api, "refused-often"))["spec"]["count"] >= 100
    bad = {"Authorization": "Bearer nonsense"}
    for _ in range(20):
        assert (await api.ask("GET", SECRETS, identity="", headers=bad)).code == 401
    unknown = (await raised(api, "bad-credentials"))["spec"]
    assert unknown["user"] == {
        "addresses": ["127.0.0.1"],
        "userAgents": unknown["user"]["userAgents"],
    }
    assert unknown["message"].startswith("127.0.0.1 showed credentials that were not accepted")


async def test_a_backup_is_seen(api: Running) -> None:
    assert (await api.ask("GET", "/strongroom/v1alpha1/backup")).code == 200
    told = (await raised(api, "whole-store"))["spec"]
    assert told["message"] == "kubernetes-admin read all that is stored, as for a backup"


async def test_acting_as_others_and_tokens_for_others_are_seen(api: Running) -> None:
    acting = {"Impersonate-User": "bob", "Impersonate-Group": "system:masters"}
    assert (await api.ask("GET", f"{SECRETS}/s0", headers=acting)).code == 200
    assert (await raised(api, "read-as-another"))["spec"]["user"]["actingAs"] == ["bob"]
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    await api.ask("POST", accounts, {"metadata": {"name": "robot"}})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    assert (await api.ask("POST", f"{accounts}/robot/token", request)).code == 201
    assert (await raised(api, "token-for-another"))["spec"]["codes"] == [201]


async def test_a_token_of_a_secret_is_seen_at_a_new_address(api: Running) -> None:
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    await api.ask("POST", accounts, {"metadata": {"name": "old"}})
    note = {"kubernetes.io/service-account.name": "old"}
    kept = {
        "metadata": {"name": "old-token", "annotations": note},
        "type": "kubernetes.io/service-account-token",
    }
    await api.ask("POST", SECRETS, kept)
    filled = await until(
        lambda: api.ask("GET", f"{SECRETS}/old-token"), lambda a: "token" in a.json.get("data", {})
    )
    token = base64.b64decode(filled.json["data"]["token"]).decode()
    bearer = {"Authorization": f"Bearer {token}"}
    for address in ("127.0.0.1", "127.0.0.1", "127.0.0.2"):
        connector = aiohttp.TCPConnector(ssl=api.context(""), local_addr=(address, 0))
        async with (
            aiohttp.ClientSession(api.server.url, connector=connector) as session,
            session.get("/api/v1/namespaces/default/pods", headers=bearer) as answer,
        ):
            assert answer.status == 403
    alert = await raised(api, "token-from-new-address")
    assert alert["spec"]["secrets"] == [{"namespace": "default", "name": "old-token"}]
    assert alert["spec"]["user"]["addresses"] == ["127.0.0.2"]
    assert token not in json.dumps(alert)


async def test_all_default_rules_have_fired_and_are_told_everywhere(api: Running) -> None:
    found = await alerts(api)
    assert set(found) == {rule.name for rule in DEFAULT_RULES}
    page = (await api.ask("GET", "/metrics")).body.decode()
    for rule in DEFAULT_RULES:
        sample = f'strongroom_alerts_total{{rule="{rule.name}",severity="{rule.severity}"}} 1.0'
        assert sample in page
    high = sum(rule.severity == "high" for rule in DEFAULT_RULES)
    assert f'strongroom_alerts_open{{severity="high"}} {high}.0' in page
    events = (await api.ask("GET", "/api/v1/events")).json["items"]
    about = {event["reason"]: event["involvedObject"] for event in events}
    assert about["FirstRead"]["kind"] == "Namespace"
    assert about["TokenFromNewAddress"]["name"] == "old-token"
    told = json.dumps([found, events])
    for value in (CANARY, base64.b64encode(CANARY.encode()).decode()):
        assert value not in told
        assert value not in page


async def test_rules_for_prometheus_ask_for_what_is_told_and_are_tested(api: Running) -> None:
    groups = yaml.safe_load((PROMETHEUS / "strongroom.alerts.rules.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    page = (await api.ask("GET", "/metrics")).body.decode()
    for rule in rules:
        (metric,) = re.findall(r"strongroom_\w+", rule["expr"])
        assert re.search(rf"^{metric}[ {{]", page, re.MULTILINE)
        assert {"summary", "description"} == rule["annotations"].keys()
    told = yaml.safe_load((PROMETHEUS / "strongroom.alerts.rules.test.yaml").read_text())["tests"]
    fired = {c["alertname"] for test in told for c in test["alert_rule_test"] if c["exp_alerts"]}
    assert fired == {rule["alert"] for rule in rules}


async def test_whoever_acknowledges_is_written_down_and_changes_nothing_else(api: Running) -> None:
    alert = (await alerts(api))["all-namespaces"]
    meta = alert["metadata"]
    path = (
        f"{ALERTS.removesuffix('/secretalerts')}/namespaces/kube-system/secretalerts/{meta['name']}"
    )
    given = {"by": "nobody", "time": "2020-01-01T00:00:00Z", "note": "a backup"}
    body = {"spec": {"severity": "low"}, "status": {"acknowledgement": given}}
    acting = MERGE | {"Impersonate-User": "ann", "Impersonate-Group": "system:masters"}
    answer = await api.ask("PATCH", f"{path}/status", body, headers=acting)
    assert answer.code == 200
    done = answer.json["status"]["acknowledgement"]
    assert (done["by"], done["note"]) == ("ann", "a backup")
    assert done["time"] != given["time"]
    assert answer.json["spec"] == alert["spec"]
    long = {"status": {"acknowledgement": {"note": "x" * 2000}}}
    assert (await api.ask("PATCH", f"{path}/status", long, headers=MERGE)).code == 422
    assert (await api.ask("PATCH", path, body, headers=MERGE)).code == 405
    # It is told again only when it is another incident.
    await api.ask("GET", "/api/v1/secrets")
    alert = await raised(api, "all-namespaces", lambda a: a["spec"]["count"] == 2)
    assert alert["status"]["acknowledgement"] == done


async def test_what_is_usual_and_what_was_told_survive_a_restart(tmp_path: Path) -> None:
    clock = ManualClock(BEGIN)
    async with running(tmp_path, clock=clock) as api:
        await make_another(api, "usual", "other")
        await api.ask("GET", f"{SECRETS}/usual")
        clock.advance(1.5 * DAY)
        await api.ask("GET", "/api/v1/secrets")
        before = await raised(api, "all-namespaces")
    clock.advance(60)
    async with running(tmp_path, clock=clock) as api:
        await api.ask("GET", f"{SECRETS}/usual")
        await api.ask("GET", "/api/v1/secrets")
        after = await raised(api, "all-namespaces", lambda a: a["spec"]["count"] == 2)
        assert after["metadata"]["name"] == before["metadata"]["name"]
        names = [a["spec"] for a in (await api.ask("GET", ALERTS)).json["items"]]
        first = [spec["secrets"] for spec in names if spec["rule"] == "first-read"]
        # The list of all was new to them; what they had read before was not, nor is it now.
        assert first == [[{}]]


async def test_an_alert_about_a_namespace_that_is_not_there_stands_elsewhere(api: Running) -> None:
    acting = {"Impersonate-User": "joe"}
    for i in range(10):
        path = f"/api/v1/namespaces/nowhere/secrets/s{i}"
        assert (await api.ask("GET", path, headers=acting)).code == 403

    def by_admin(alert: Alert) -> bool:
        return bool(alert["spec"]["user"]["name"] == "kubernetes-admin")

    async def found() -> list[Alert]:
        items = (await api.ask("GET", ALERTS)).json["items"]
        return [a for a in items if a["spec"]["rule"] == "refused-secrets" and by_admin(a)]

    (alert,) = await until(found, bool)
    assert alert["metadata"]["namespace"] == "kube-system"
    assert {secret["namespace"] for secret in alert["spec"]["secrets"]} == {"nowhere"}
