"""Two pods show each other certificates of a signer that an administrator made."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

from tests.e2e.kubectl import Kubectl
from tests.e2e.test_examples import EXAMPLES

FILLED = r"--for=jsonpath={.data.tls\.crt}"
DONE = "--for=jsonpath={.status.phase}=Succeeded"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def example(name: str, namespace: str, signer: str, port: int) -> str:
    """An example's text for this test's namespace, signer and port."""
    text = (EXAMPLES / "certificates" / name).read_text()
    text = text.replace(".default.svc", f".{namespace}.svc").replace("18443", str(port))
    return text.replace("example.com/mesh", signer)


def make_signer(kubectl: Kubectl, signer: str, directory: Path) -> None:
    """As docs/certificates.md says: an authority in a Secret of kube-system."""
    pair = [str(directory / "ca.crt"), str(directory / "ca.key")]
    argv = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=mesh"
    files = ["-out", pair[0], "-keyout", pair[1]]
    subprocess.run([*argv.split(), *files], check=True, capture_output=True)
    name, system = signer.partition("/")[2], ("-n", "kube-system")
    kubectl("create", "secret", "tls", name, *system, f"--cert={pair[0]}", f"--key={pair[1]}")
    kubectl(
        *("annotate", "secret", name, *system),
        *(f"strongroom.io/signer={signer}", f"strongroom.io/namespaces={kubectl.namespace}"),
    )
    kubectl("label", "secret", name, *system, "strongroom.io/certificate=authority")


def test_two_pods_believe_each_other_and_nobody_else(pods: Kubectl, tmp_path: Path) -> None:
    signer, port = f"example.com/{pods.namespace}", free_port()
    make_signer(pods, signer, tmp_path)
    pods.apply(example("secrets.yaml", pods.namespace, signer, port))
    pods("wait", "secret/web-tls", "secret/caller-tls", FILLED, "--timeout=50s")
    pods.apply(example("pods.yaml", pods.namespace, signer, port))
    pods("wait", "pod/caller", DONE, "--timeout=50s")
    assert "olleh" in pods("logs", "caller").splitlines()
    stranger = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet"],
        input=b"hello\n",
        capture_output=True,
        timeout=60,
    )
    assert b"olleh" not in stranger.stdout
    pods("delete", "secret", pods.namespace, "-n", "kube-system")


def test_a_pod_is_given_a_certificate_and_whom_to_trust(pods: Kubectl, tmp_path: Path) -> None:
    """Asked for by the node with a key of its own, and made by the signer: no Secret holds it."""
    signer = f"example.com/{pods.namespace}"
    make_signer(pods, signer, tmp_path)
    text = example("pod-certificate.yaml", pods.namespace, signer, 0)
    pods.apply(text)
    name = f"example.com:{pods.namespace}:root"
    bundle = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "ClusterTrustBundle",
        "metadata": {"name": name},
        "spec": {"signerName": signer, "trustBundle": (tmp_path / "ca.crt").read_text()},
    }
    pods.apply(json.dumps(bundle))
    pods("wait", "pod/peer", DONE, "--timeout=50s")
    said = pods("logs", "peer")
    assert "/etc/identity/credentials.pem: OK" in said
    assert f"URI:spiffe://cluster.local/ns/{pods.namespace}/sa/default" in said
    assert f"DNS:peer.{pods.namespace}.svc" in said
    (row,) = pods("get", "podcertificaterequests", "--no-headers").splitlines()
    assert row.split()[1:3] + row.split()[4:] == ["peer", "default", signer, "Issued"]
    pods("delete", "secret", pods.namespace, "-n", "kube-system")
    pods("delete", "clustertrustbundle", name)
