"""`strongroom alerts` beside a real server: what it shows, whom it asks, what it acknowledges."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from strongroom.cli.main import main
from strongroom.client.client import Client
from strongroom.resources.secret import SECRETS, Secret
from strongroom.testing.process import Strongroom
from tests.cli.secret.conftest import Room
from tests.waiting import eventually

CANARY = "canary-91d2"


def run(api: Strongroom, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["alerts", *arguments, "--kubeconfig", str(api.kubeconfig)])


def done(api: Strongroom, *arguments: str) -> str:
    result = run(api, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def told(api: Strongroom, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done(api, *arguments, "-o", "json"))["alerts"]
    return found


@pytest.fixture(scope="module")
def alert(api: Strongroom) -> dict[str, Any]:
    """An alert that this module's own list of all namespaces raised, or made grow."""

    async def read(client: Client) -> None:
        secret = Secret(stringData={"a": CANARY})
        secret.metadata.name, secret.metadata.namespace = "alerting", "default"
        await client.create(SECRETS, secret)
        await client.list(SECRETS)

    Room(api, "").ask(read)
    found = eventually(lambda: [one for one in told(api, "-A") if one["rule"] == "all-namespaces"])
    return found[0]


def test_alerts_are_shown_where_they_are(api: Strongroom, alert: dict[str, Any]) -> None:
    table = done(api, "-A")
    assert re.search(r"^NAMESPACE +NAME +SEVERITY +STATE +USER +SECRET +COUNT", table)
    (line,) = [one for one in table.splitlines() if alert["name"] in one]
    assert line.split()[:6] == [
        "kube-system",
        alert["name"],
        "high",
        "Open",
        "kubernetes-admin",
        "*/*",
    ]
    assert alert["name"] in done(api, "-n", "kube-system")
    assert "-A looks in all" in done(api, "-n", "kube-public")
    assert alert["name"] in done(api, "-A", "--since", "1h", "--severity", "high", "--open")
    assert alert["name"] not in done(api, "-A", "--severity", "critical")
    assert yaml.safe_load(done(api, "-A", "-o", "yaml"))["alerts"]


def test_one_is_shown_with_its_evidence(api: Strongroom, alert: dict[str, Any]) -> None:
    text = done(api, "show", alert["name"])
    for part in (
        f"Alert:         kube-system/{alert['name']}",
        "What:          kubernetes-admin listed or watched the Secrets of all namespaces",
        "State:         Open",
        "From:          127.0.0.1",
        "Secrets:       */*",
        alert["auditIDs"][0],
    ):
        assert part in text
    facts = json.loads(done(api, "show", alert["name"], "-o", "json"))
    assert facts["auditIDs"][0] == alert["auditIDs"][0]
    assert CANARY not in text + json.dumps(facts) + done(api, "-A")


def test_one_is_acknowledged_by_name_and_a_check_is_content(
    api: Strongroom, alert: dict[str, Any]
) -> None:
    assert run(api, "-n", "kube-system", "--check").exit_code == 3
    acting = ("--as", "ann", "--as-group", "system:masters")
    by = done(api, "acknowledge", alert["name"], "--note", "a test", *acting)
    assert by == f"kube-system/{alert['name']} acknowledged by ann\n"
    assert re.search(
        r"State: +Acknowledged by ann at \S+: a test", done(api, "show", alert["name"])
    )
    high = ("-n", "kube-system", "--severity", "high")
    assert alert["name"] not in done(api, *high, "--open")

    def content() -> bool:
        # Other modules' requests to the same server may have raised more.
        for one in told(api, *high, "--open"):
            done(api, "acknowledge", one["name"], *acting)
        return run(api, *high, "--check").exit_code == 0

    assert eventually(content)


def test_what_is_not_there_or_not_allowed_is_told(api: Strongroom) -> None:
    missing = run(api, "show", "none")
    assert missing.exit_code == 1
    assert 'there is no alert "none"' in missing.stderr
    refused = run(api, "-A", "--as", "nobody")
    assert refused.exit_code == 1
    assert "secretalerts.strongroom.io is forbidden" in refused.stderr
    for wrong in (("--since", "soon"), ("--watch", "-o", "json"), ("shwo",), ("acknowledge",)):
        assert run(api, *wrong).exit_code == 2


def test_what_comes_is_shown_as_it_comes(api: Strongroom, alert: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "strongroom", "alerts", "-A", "--watch"]
    with subprocess.Popen(
        command, env=api.environment(), stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().startswith("NAMESPACE")

        async def read(client: Client) -> None:
            await client.list(SECRETS)

        wanted = re.compile(
            rf"\S+Z high Acknowledged kube-system/{alert['name']}: kubernetes-admin"
        )
        # What comes after the first page is shown, however soon it comes.
        Room(api, "").ask(read)
        assert any(wanted.match(line) for line in watching.stdout)
        watching.terminate()
