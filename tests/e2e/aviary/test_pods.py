"""The canary in pods, and in what goes with its namespace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.canary import (
    CANARY,
    TOKEN,
    env,
    files_that_hold_it,
    holds,
    secret,
)
from tests.e2e.conftest import in_namespace
from tests.e2e.kubectl import Kubectl
from tests.e2e.manifests import MOUNT, manifest, mounted, pod
from tests.waiting import eventually


def test_a_pod_that_uses_it(kubectl: Kubectl) -> None:
    kubectl.apply(json.dumps(secret("used")))
    script = f'test "$CANARY" = "$(cat /etc/s/a)" && echo same {TOKEN[:4]}; sleep 1000'
    source = [{"secretRef": {"name": "used"}, "prefix": "ALL_"}]
    text = pod(
        "used", script, spec=mounted("used"), volumeMounts=MOUNT, env=env("used"), envFrom=source
    )  # fmt: skip - the container's fields in a row
    kubectl.apply(text)
    eventually(lambda: kubectl.run("logs", "used").out.startswith("same"))
    kubectl("patch", "secret", "used", "-p", json.dumps({"stringData": {"a": CANARY + "-new"}}))
    assert not holds(kubectl("describe", "pod", "used").encode())


def test_a_pod_that_prints_it(kubectl: Kubectl, directory: Path) -> None:
    kubectl.apply(json.dumps(secret("printed")))
    kubectl.apply(pod("printed", "echo $CANARY", env=env("printed")))
    kubectl("wait", "pod/printed", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert kubectl("logs", "printed") == CANARY + "\n"
    # Its log is the pod's own; what is on disk of it goes with the pod.
    kubectl("delete", "pod", "printed")
    eventually(lambda: files_that_hold_it(directory) == [])


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("command", {"command": ["$(CANARY)"]}),
        ("directory", {"workingDir": "/none/$(CANARY)", "command": ["$(CANARY)/x", "$(CANARY)"]}),
        ("hook", {"lifecycle": {"postStart": {"exec": {"command": ["$(CANARY)"]}}}}),
        ("subpath", {"volumeMounts": [{**MOUNT[0], "subPathExpr": "$(CANARY)/x"}]}),
    ],
)
def test_a_pod_that_fails_with_it(kubectl: Kubectl, name: str, container: dict[str, Any]) -> None:
    kubectl.apply(json.dumps(secret("fails")))
    kubectl.apply(pod(name, "exit 3", spec=mounted("fails"), **{"env": env("fails"), **container}))

    def ended_or_stuck() -> bool:
        status = kubectl.object("pod", name)["status"]
        state = status.get("containerStatuses", [{}])[0].get("state", {})
        waiting = state.get("waiting", {}).get("reason", "")
        return "terminated" in state or waiting.endswith("Error")

    eventually(ended_or_stuck)
    assert not holds(kubectl("describe", "pod", name).encode())
    assert not holds(kubectl("get", "events", "-o", "yaml").encode())
    kubectl("delete", "pod", name, "--grace-period=0", "--force")


def test_a_value_that_no_environment_can_hold(kubectl: Kubectl) -> None:
    kubectl.apply(json.dumps(secret("nul", stringData={"a": f"{CANARY}\x00{CANARY}"})))
    kubectl.apply(pod("nul", "exit 0", env=env("nul")))
    eventually(lambda: "nul" in kubectl("get", "events", "-o", "name"))
    assert not holds(kubectl("get", "events", "-o", "yaml").encode())
    kubectl("delete", "pod", "nul", "--grace-period=0", "--force")


def test_a_namespace_that_goes_with_it(aviary: Strongroom, kubectl: Kubectl) -> None:
    doomed = in_namespace(aviary, kubectl.directory)
    doomed.apply(json.dumps(secret("s")))
    doomed.apply(manifest("ConfigMap", "c", data={"a": "plain"}))
    doomed("delete", "namespace", doomed.namespace, "--timeout=60s")
