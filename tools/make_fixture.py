"""Makes a data directory for tests of upgrades, by a tree of strongroom: tests/upgrade/*.tar.xz.

    python tools/make_fixture.py TREE NAME

``TREE`` is a checkout (``git archive COMMIT | tar x -C TREE``), ``NAME`` that of the fixture. The
keys in it were made for it and open nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[1] / "tests" / "upgrade"

MADE: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}},
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "old", "labels": {"app": "shop"}},
        "type": "example.org/db",
        "stringData": {"password": "hunter2"},
    },
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "gone", "namespace": "old"},
        "stringData": {"password": "gone"},
    },
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "old"},
        "data": {"color": "blue"},
    },
]
SOME: list[dict[str, Any]] = [
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader", "namespace": "old"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
    },
    {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "vaults.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"plural": "vaults", "kind": "Vault"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": True,
                        }
                    },
                }
            ],
        },
    },
    {
        "apiVersion": "example.org/v1",
        "kind": "Vault",
        "metadata": {"name": "v", "namespace": "old"},
        "spec": {"size": 3},
    },
]
"""What not every earlier tree serves."""


def fill(environment: dict[str, str]) -> None:
    """Make, change and delete; later things where they are served."""

    def kubectl(*arguments: str, given: object = None) -> int:
        text = "" if given is None else json.dumps(given)
        done = subprocess.run(
            ["kubectl", *arguments], env=environment, input=text, text=True, check=False
        )
        return done.returncode

    for one in MADE:
        assert kubectl("create", "--validate=false", "-f", "-", given=one) == 0
    change = '{"stringData":{"password":"hunter3"}}'
    assert kubectl("patch", "secret", "db", "-n", "old", "-p", change) == 0
    assert kubectl("delete", "secret", "gone", "-n", "old") == 0
    for one in SOME:
        kubectl("create", "--validate=false", "-f", "-", given=one)
        kubectl("wait", "--for=condition=Established", "--timeout=5s", "crd/vaults.example.org")
    # They are made again at each start, and are most of what there is.
    kubectl("delete", "clusterroles,clusterrolebindings", "--all", "--wait=false")


def make(tree: Path, name: str) -> Path:
    """Run the tree's server, fill it, stop it, and pack what it leaves."""
    with tempfile.TemporaryDirectory() as scratch:
        room = Path(scratch)
        environment = {
            **os.environ,
            "PYTHONPATH": str(tree.resolve() / "src"),
            "KUBECONFIG": str(room / "data" / "admin.kubeconfig"),
        }
        command = [sys.executable, "-m", "strongroom", "apiserver", "--port", "0"]
        command += ["--compaction-interval", "1s"]
        command += ["--data-dir", str(room / "data")]
        command += ["--encryption-key-file", str(room / "the.key")]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            ready = server.stdout.readline()
            environment["KUBECONFIG"] = ready.strip().rpartition("kubeconfig=")[2]
            fill(environment)
            time.sleep(4)  # What was superseded is compacted: fixtures are to be small.
            server.terminate()
        target = HOME / f"{name}.tar.xz"
        with tarfile.open(target, "w:xz") as packed:
            for part in ("data/store", "data/pki", "data/installation-id", "the.key"):
                if (room / part).exists():
                    packed.add(room / part, part)
    return target


if __name__ == "__main__":
    made = make(Path(sys.argv[1]), sys.argv[2])
    print(made, made.stat().st_size)
