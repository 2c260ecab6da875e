"""A second node: it joins with a bootstrap token, runs pods, and comes back without the token."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from strongroom.node.discovery import Undiscovered, discover
from strongroom.resources.certificate_pins import pins
from strongroom.testing.process import Strongroom
from tests.e2e.kubectl import Kubectl
from tests.waiting import eventually

TOKEN = "join00.0123456789abcdef"
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: bootstrap-token-join00, namespace: kube-system}
type: bootstrap.kubernetes.io/token
stringData:
  token-id: join00
  token-secret: 0123456789abcdef
  usage-bootstrap-authentication: "true"
  usage-bootstrap-signing: "true"
  auth-extra-groups: system:bootstrappers:kubeadm:default-node-token
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec:
  nodeName: joined
  restartPolicy: Never
  automountServiceAccountToken: false
  containers:
  - name: main
    image: none
    command: [sh, -c, 'echo "$WORD"; cat /etc/secret/word']
    env: [{name: WORD, valueFrom: {secretKeyRef: {name: s, key: word}}}]
    volumeMounts: [{name: secret, mountPath: /etc/secret}]
  volumes: [{name: secret, secret: {secretName: s}}]
"""


@contextmanager
def joining(directory: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`strongroom node join`, once it is ready; what it says is in DIRECTORY/join.log."""
    argv = [sys.executable, "-m", "strongroom", "node", "join", *arguments]
    argv += ["--data-dir", str(directory / "joined"), "--hostname-override", "joined"]
    with (directory / "join.log").open("a") as errors:
        process = subprocess.Popen(
            [*argv, "--port", "0"], stdout=subprocess.PIPE, stderr=errors, text=True
        )
    said = process.stdout
    assert said is not None
    try:
        line = said.readline()
        assert line == "ready node joined\n", (directory / "join.log").read_text()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        said.close()


def test_a_node_joins_runs_pods_and_comes_back(
    room: Strongroom, pods: Kubectl, tmp_path: Path
) -> None:
    pods("create", "-n", "kube-system", "-f", "-", stdin=SECRET)
    signed = "jsonpath={.data.jws-kubeconfig-join00}"
    eventually(lambda: pods("get", "configmap", "cluster-info", "-n", "kube-public", "-o", signed))
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    [pin] = pins((room.kubeconfig.parent / "pki" / "ca.crt").read_bytes())
    pods("create", "secret", "generic", "s", "--from-literal=word=hello")
    with joining(
        tmp_path, room.url, "--token-file", str(tmp_path / "token"), "--ca-cert-hash", pin
    ):
        pods.apply(POD)
        pods("wait", "pod/reader", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
        assert pods("logs", "reader") == "hello\nhello"
    asked = pods("get", "csr", "--no-headers")
    for signer, by in (
        ("kube-apiserver-client-kubelet", "system:bootstrap:join00"),
        ("kubelet-serving", "system:node:joined"),
    ):
        assert re.search(rf"kubernetes.io/{signer} +{by} +<none> +Approved,Issued", asked)
    for file in (tmp_path / "joined").rglob("*.pem"):
        assert file.stat().st_mode & 0o777 == 0o600
    pods("delete", "secret", "bootstrap-token-join00", "-n", "kube-system")
    with joining(tmp_path):
        ready = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
        assert pods("get", "node", "joined", "-o", ready) == "True"
    pods("delete", "node", "joined")


async def test_who_is_not_the_cluster_that_was_told_is_not_believed(
    room: Strongroom, pods: Kubectl
) -> None:
    made = SECRET.replace("join00", "join01")
    pods("create", "-n", "kube-system", "-f", "-", stdin=made)
    signed = "jsonpath={.data.jws-kubeconfig-join01}"
    eventually(lambda: pods("get", "configmap", "cluster-info", "-n", "kube-public", "-o", signed))
    secret = b"0123456789abcdef"
    [pin] = pins((room.kubeconfig.parent / "pki" / "ca.crt").read_bytes())
    for token_id, key, wanted, said in (
        ("join01", secret, {"sha256:" + "0" * 64}, "has none of the keys that were told"),
        ("join01", b"f" * 16, {pin}, "is not signed by token join01"),
        ("join02", secret, {pin}, "is not signed by token join02"),
    ):
        with pytest.raises(Undiscovered, match=said):
            await discover(room.url, token_id, key, frozenset(wanted))
    found = await discover(room.url, "join01", secret, frozenset({pin}))
    assert pins(found.authority) == [pin]
    pods("delete", "secret", "bootstrap-token-join01", "-n", "kube-system")
