"""`strongroom compact` against a server."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from click.testing import CliRunner, Result

from strongroom.cli.main import main
from strongroom.testing.process import Strongroom


def compact(api: Strongroom, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["compact", "--kubeconfig", str(api.kubeconfig), *arguments])


@pytest.mark.needs("kubectl")
def test_what_history_holds_stays_unless_it_is_to_be_forgotten(api: Strongroom) -> None:
    def kubectl(*arguments: str) -> str:
        return subprocess.run(
            ["kubectl", *arguments],
            env=api.environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    kubectl("create", "secret", "generic", "wiped", "--from-literal=a=1")
    kubectl("create", "secret", "generic", "there", "--from-literal=a=1")
    kubectl("patch", "secret", "there", "-p", '{"stringData":{"a":"2"}}')
    kubectl("delete", "secret", "wiped")
    done = compact(api)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("compacted to revision ")
    assert "strongroom.db: " in done.stdout
    assert "secretrevision.strongroom.io/wiped." in kubectl("get", "srev", "-o", "name")
    done = compact(api, "--forget-deleted")
    # Other tests have deleted Secrets of this server, too.
    told = re.match(r"(\d+) revisions of deleted Secrets forgotten\n", done.stdout)
    assert told is not None
    assert int(told[1]) > 0
    facts = json.loads(compact(api, "-o", "json").stdout)
    assert facts["revision"] > 0
    assert facts["files"][0]["after"] > 0
    left = kubectl("get", "srev", "-o", "name")
    assert "wiped." not in left
    assert "there." in left


def test_only_administrators_may(api: Strongroom) -> None:
    refused = compact(api, "--as", "somebody")
    assert refused.exit_code == 1
    assert 'cannot post path "/strongroom/v1alpha1/compact"' in refused.stderr


def test_it_is_asked_for_and_not_looked_at(api: Strongroom) -> None:
    command = ["kubectl", "get", "--raw", "/strongroom/v1alpha1/compact"]
    refused = subprocess.run(command, env=api.environment(), capture_output=True, text=True)
    assert "the server does not allow this method" in refused.stderr
