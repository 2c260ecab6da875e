"""kubectl's typed commands, which ask for protobuf first; and what a kubectl of old wants."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.kubectl import Kubectl
from tests.parts import require_part

PROTOBUF = "application/vnd.kubernetes.protobuf"


def answers(log: str) -> list[str]:
    """The content types of the answers in what ``-v=8`` prints."""
    parts = log.split('"Response" ')[1:]
    return [
        line.split("Content-Type: ")[1]
        for part in parts
        for line in part.splitlines()
        if "Content-Type: " in line
    ][: len(parts)]


def test_what_is_made_and_described_travels_as_protobuf(kubectl: Kubectl) -> None:
    made = kubectl.run("create", "secret", "generic", "s", "--from-literal=a=b", "-v=8")
    assert (made.code, made.out) == (0, "secret/s created\n")
    assert answers(made.err) == [PROTOBUF]
    for arguments in (
        ("create", "configmap", "c", "--from-literal=k=v"),
        ("create", "serviceaccount", "robot"),
        ("create", "deployment", "d", "--image=x"),
        ("create", "job", "j", "--image=x"),
    ):
        done = kubectl.run(*arguments, "-v=8")
        assert done.code == 0, done.err
        assert answers(done.err)[-1] == PROTOBUF
    described = kubectl.run("describe", "secret", "s", "-v=8")
    assert PROTOBUF in answers(described.err)
    assert "a:  1 bytes" in described.out
    events = kubectl.run("events", "-v=8")
    assert events.code == 0
    assert answers(events.err) == [PROTOBUF]


def test_a_refusal_is_understood(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "s")
    again = kubectl.fails("create", "secret", "generic", "s")
    assert again == 'error: failed to create secret secrets "s" already exists\n'


@pytest.mark.needs("kubectl-1.33")
def test_kubectl_of_four_minors_ago(kubectl: Kubectl) -> None:
    """Its plain explain reads OpenAPI v2 in protobuf; the present one can do that too."""
    old = str(require_part("kubectl-1.33"))
    plain = ("explain", "pod.spec.containers", "--output=plaintext-openapiv2")
    shown = subprocess.run(
        [old, f"--kubeconfig={kubectl.kubeconfig}", *plain],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "RESOURCE: containers <[]Object>" in shown
    assert "imagePullPolicy\t<string>" in shown
    assert kubectl(*plain) == shown
