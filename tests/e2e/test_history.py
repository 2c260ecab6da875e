"""The past of Secrets as kubectl and the command line show it, until their namespace goes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.canary import CANARY, files_that_hold_it
from tests.e2e.kubectl import Kubectl
from tests.waiting import eventually

pytestmark = pytest.mark.needs("kubectl")

REVISIONS = "secretrevisions.strongroom.io"


def strongroom(kubectl: Kubectl, *arguments: str) -> str:
    """What `strongroom secret ARGUMENTS` prints."""
    program = str(Path(sys.executable).parent / "strongroom")
    where = ["--kubeconfig", str(kubectl.kubeconfig), "-n", kubectl.namespace]
    done = subprocess.run(
        [program, "secret", *arguments, *where],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_secret_s_past_from_its_first_change_to_the_end_of_its_namespace(
    pods: Kubectl, room: Strongroom
) -> None:
    pods("create", "secret", "generic", "db", f"--from-literal=password={CANARY}")
    first = pods.object("secret", "db")
    patch = json.dumps({"stringData": {"password": "another"}})
    pods("patch", "secret", "db", "--type=merge", "-p", patch)
    pods("label", "secret", "db", "app=shop")
    pods("delete", "secret", "db")

    # kubectl: a kind like any other, but that nobody writes.
    table = pods("get", "srev", "--field-selector", "spec.secretName=db")
    assert table.splitlines()[0].split() == [
        *("NAME", "SECRET", "TYPE", "DATA", "BY", "HOW", "REPLACED"),
    ]
    assert CANARY not in table
    name = f"db.{first['metadata']['resourceVersion']}"
    kept = pods.object("srev", name)
    assert kept["data"] == first["data"]
    assert kept["spec"]["secretUID"] == first["metadata"]["uid"]
    assert kept["spec"]["replacedBy"] == "kubernetes-admin"
    assert "srev" not in pods("get", "all")
    refused = pods.fails("create", "-f", "-", stdin=json.dumps({**kept, "metadata": {"name": "x"}}))
    assert "the server does not allow this method on the requested resource" in refused
    assert "The values that the Secret held" in pods("explain", "srev.data")

    # The command line: what there was, and back to it.
    told = strongroom(pods, "history", "db")
    assert "was deleted" in told
    assert "changed password" in told
    assert strongroom(pods, "undelete", "db").startswith("secret db created ")
    again = pods.object("secret", "db")
    assert again["metadata"]["labels"] == {"app": "shop"}
    strongroom(pods, "rollback", "db", "--to", name)
    assert pods.object("secret", "db")["data"] == first["data"]
    assert files_that_hold_it(room.kubeconfig.parent) == []

    # The end.
    pods("delete", "namespace", pods.namespace, "--wait=false")
    eventually(lambda: "NotFound" in pods.run("get", "namespace", pods.namespace).err)
    assert pods("get", REVISIONS, "-A", "-o", "name").count(f"/{name}") == 0
    pods("create", "namespace", pods.namespace)
