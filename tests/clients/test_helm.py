"""helm 4 with a chart of its own: releases, hooks, upgrades, rollbacks, tests."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.kubectl import Kubectl
from tests.parts import require_part

CHART = Path(__file__).parent / "chart"
PASSWORD = "marked-for-helm-4711"


@dataclass(frozen=True)
class Helm:
    """Calls helm as a person would, and kubectl to look at what it did."""

    kubectl: Kubectl

    def __call__(self, *arguments: str) -> str:
        """What a call that must go well prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A call, however it ends."""
        home = str(self.kubectl.directory)
        return subprocess.run(
            [require_part("helm"), "--namespace", self.kubectl.namespace, *arguments],
            env={**os.environ, "KUBECONFIG": str(self.kubectl.kubeconfig), "HOME": home},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )

    def history(self) -> list[tuple[int, str, str]]:
        """Revision, state and description of each."""
        told = json.loads(self("history", "shop", "-o", "json"))
        return [(entry["revision"], entry["status"], entry["description"]) for entry in told]

    def value(self, kind: str, name: str, *keys: str) -> Any:
        """A field of an object."""
        found = self.kubectl.object(kind, name)
        for key in keys:
            found = found[key]
        return found

    def password(self) -> str:
        """What is in the chart's Secret."""
        return base64.b64decode(self.value("secret", "shop", "data", "password")).decode()


@pytest.fixture
def helm(cluster: Strongroom, namespace: str, tmp_path: Path) -> Helm:
    """helm in a fresh namespace."""
    require_part("helm")
    return Helm(Kubectl(cluster.kubeconfig, namespace, tmp_path))


@pytest.fixture(scope="session")
def node(cluster: Strongroom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A node that runs pods; the test is skipped (under CI failed) where none can run."""
    pki = cluster.kubeconfig.parent / "pki"
    argv = [str(require_part("strongroom")), "node", "--port", "0", "--node-ip", "127.0.0.1"]
    argv += ["--kubeconfig", str(pki / "node.kubeconfig")]
    argv += ["--client-ca-file", str(pki / "ca.crt")]
    argv += ["--tls-cert-file", str(pki / "node-serving.crt")]
    argv += ["--tls-private-key-file", str(pki / "node-serving.key")]
    argv += ["--root-dir", str(tmp_path_factory.mktemp("node"))]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if not process.stdout.readline().startswith("ready"):
        _, why = process.communicate()
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no node can run here: {why}")
    yield
    process.terminate()
    process.communicate(timeout=30)


def test_a_release_is_installed_upgraded_and_rolled_back(helm: Helm) -> None:
    told = helm("install", "shop", str(CHART), "--set", "password=one")
    assert "STATUS: deployed" in told
    assert (helm.password(), helm.value("deployment", "shop", "spec", "replicas")) == ("one", 1)
    assert helm.value("configmap", "shop-installed", "data") == {"revision": "1"}
    helm("upgrade", "shop", str(CHART), "--set", "password=two,replicas=3,image=nginx:2")
    assert (helm.password(), helm.value("deployment", "shop", "spec", "replicas")) == ("two", 3)
    assert helm.value("till", "shop", "spec") == {"drawers": 3}
    assert helm.value("configmap", "shop-upgraded", "data") == {"revision": "2"}
    assert "not found" in helm.kubectl.fails("get", "secret", "shop-brief")
    helm("rollback", "shop", "1")
    assert (helm.password(), helm.value("deployment", "shop", "spec", "replicas")) == ("one", 1)
    # As it was rendered for the revision that is back.
    assert helm.value("configmap", "shop-upgraded", "data") == {"revision": "1"}
    assert helm.history() == [
        (1, "superseded", "Install complete"),
        (2, "superseded", "Upgrade complete"),
        (3, "deployed", "Rollback to 1"),
    ]
    assert json.loads(helm("get", "values", "shop", "-o", "json")) == {"password": "one"}
    assert json.loads(helm("get", "values", "shop", "--revision=2", "-o", "json"))["replicas"] == 3
    (listed,) = json.loads(helm("list", "-o", "json"))
    assert (listed["name"], listed["revision"], listed["chart"]) == ("shop", "3", "shop-1.2.3")


def test_releases_are_secrets_and_none_is_stored_in_the_clear(
    helm: Helm, cluster: Strongroom
) -> None:
    helm("install", "shop", str(CHART), "--set", f"password={PASSWORD},deployment=false")
    release = helm.kubectl.object("secret", "sh.helm.release.v1.shop.v1")
    assert release["type"] == "helm.sh/release.v1"
    assert {"name": "shop", "owner": "helm", "status": "deployed", "version": "1"}.items() <= (
        release["metadata"]["labels"].items()
    )
    packed = base64.b64decode(release["data"]["release"])
    kept = gzip.decompress(base64.b64decode(packed))
    assert json.loads(kept)["config"]["password"] == PASSWORD
    files = [path for path in cluster.kubeconfig.parent.rglob("*") if path.is_file()]
    assert any("store" in path.parts for path in files)
    for text in (PASSWORD.encode(), base64.b64encode(PASSWORD.encode()), packed[:64]):
        assert [path for path in files if text in path.read_bytes()] == []


def test_an_upgrade_that_fails_is_rolled_back(helm: Helm) -> None:
    quiet = ("--set", "deployment=false", "--timeout=30s")
    helm("install", "shop", str(CHART), *quiet, "--wait")
    bad = ("--set", "colour=no label!", "--set", "password=lost")
    failed = helm.run("upgrade", "shop", str(CHART), *quiet, *bad, "--rollback-on-failure")
    assert failed.returncode == 1
    assert "a valid label must be an empty string or consist of" in failed.stderr
    assert [entry[:2] for entry in helm.history()] == [
        (1, "superseded"),
        (2, "failed"),
        (3, "deployed"),
    ]
    assert helm.password() == "from-the-defaults"


def test_an_installation_that_fails_leaves_nothing(helm: Helm) -> None:
    bad = ("--set", "deployment=false,replicas=0", "--rollback-on-failure", "--timeout=30s")
    failed = helm.run("install", "shop", str(CHART), *bad)
    assert "spec.drawers: Invalid value: 0" in failed.stderr
    assert json.loads(helm("list", "-o", "json")) == []
    assert helm.kubectl("get", "secrets,services", "-o", "name") == ""


def test_what_others_own_is_a_conflict(helm: Helm) -> None:
    helm("install", "shop", str(CHART), "--set", "deployment=false")
    change = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop}\nstringData: {password: mine}\n"
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=me", "-f", "-")
    helm.kubectl(*apply, stdin=change)
    upgrade = ("upgrade", "shop", str(CHART), "--set", "deployment=false,password=theirs")
    assert "conflict" in helm.run(*upgrade).stderr
    helm(*upgrade, "--force-conflicts")
    assert helm.password() == "theirs"


def test_a_chart_that_looks_up_and_a_dry_run(helm: Helm) -> None:
    helm.kubectl("create", "secret", "generic", "licence", "--from-literal=key=abc")
    shown = helm("install", "shop", str(CHART), "--dry-run=server", "--hide-secret")
    assert 'licence: "abc"' in shown
    assert "from-the-defaults" not in shown
    assert json.loads(helm("list", "-o", "json")) == []
    helm("upgrade", "--install", "shop", str(CHART), "--set", "deployment=false")
    assert helm.value("configmap", "shop", "data") == {"revision": "1", "licence": "abc"}


def test_it_is_uninstalled_but_for_hooks_and_definitions(helm: Helm) -> None:
    helm("install", "shop", str(CHART))
    assert "uninstalled" in helm("uninstall", "shop", "--wait", "--timeout=30s")
    kinds, others = (
        "secrets,configmaps,deployments,services,tills",
        "metadata.name!=kube-root-ca.crt",
    )
    left = helm.kubectl("get", kinds, "-o", "name", f"--field-selector={others}")
    assert left == "configmap/shop-installed\n"
    assert helm.kubectl("get", "crd", "tills.shop.example.com", "-o", "name")


def test_pods_as_hooks_and_as_the_charts_own_test(helm: Helm, node: None) -> None:
    on = ("--set", "deployment=false,prepare=true")
    told = helm("install", "shop", str(CHART), *on, "--timeout=60s")
    assert "STATUS: deployed" in told
    assert helm.kubectl("get", "pods", "-o", "name") == ""
    tested = helm("test", "shop", "--logs", "--timeout=60s")
    assert "Phase:          Succeeded" in tested
    assert "the password is there: 17 letters" in tested
