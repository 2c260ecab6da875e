"""The JavaScript client: Secrets' life, patches, errors, a watch and an informer."""

from __future__ import annotations

import json
import subprocess

from strongroom.testing.process import Strongroom
from tests.clients.javascript import HERE, require_client

DIED = [["ADDED", "w"], ["MODIFIED", "w"], ["DELETED", "w"]]


def test_secrets_as_users_of_javascript_handle_them(cluster: Strongroom, namespace: str) -> None:
    done = subprocess.run(
        [require_client(), HERE / "secrets.mjs", namespace],
        env=cluster.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["errors"] == [[404, "NotFound"], [409, "AlreadyExists"], [422, "Invalid"]]
    assert told["watched"] == DIED
    informed = told["informed"]
    assert informed["events"] == [["add", "i"], ["add", "j"], ["update", "j"], ["delete", "i"]]
    assert informed["cached"] == [["j", {"a": "MQ=="}]]


def test_the_lock_names_no_registry_and_has_every_hash() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    packages = {path: found for path, found in lock["packages"].items() if path}
    assert "node_modules/@kubernetes/client-node" in packages
    assert all(found["integrity"].startswith("sha512-") for found in packages.values())
    assert not [path for path, found in packages.items() if "resolved" in found]
