"""ConfigMaps in all their forms, registry logins, and what is set from either, with kubectl."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
import yaml

from tests.e2e.kubectl import Kubectl
from tests.waiting import eventually

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "none"}]},
        },
    },
}


def test_a_config_map_from_literals_files_and_directories(kubectl: Kubectl) -> None:
    folder = kubectl.directory / "conf"
    folder.mkdir()
    (folder / "app.ini").write_text("[main]\nport = 1\n")
    (folder / "logo.png").write_bytes(b"\x89PNG\xff\x00")
    (kubectl.directory / "app.env").write_text("MODE=on\n# not this\nURL=http://x/?a=b\n")
    made = kubectl("create", "configmap", "c", "--from-file=conf", "--from-literal=a=b c")
    assert made == "configmap/c created\n"
    kubectl("create", "configmap", "e", "--from-env-file=app.env")
    found = {item["metadata"]["name"]: item for item in kubectl.object("configmaps")["items"]}
    # What is no UTF-8 goes where bytes belong.
    assert found["c"]["data"] == {"app.ini": "[main]\nport = 1\n", "a": "b c"}
    assert found["c"]["binaryData"] == {"logo.png": base64.b64encode(b"\x89PNG\xff\x00").decode()}
    assert found["e"]["data"] == {"MODE": "on", "URL": "http://x/?a=b"}
    rows = [line.split()[:2] for line in kubectl("get", "configmaps").splitlines()]
    assert rows == [["NAME", "DATA"], ["c", "3"], ["e", "2"]]
    told = kubectl("describe", "configmap", "c")
    assert "app.ini:\n----\n[main]\nport = 1\n" in told
    assert "logo.png: 6 bytes" in told


def test_a_config_map_that_is_immutable(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "c", "--from-literal=a=1")

    def change(patch: Any) -> list[str]:
        return ["patch", "configmap", "c", "--type=merge", "-p", json.dumps(patch)]

    kubectl(*change({"immutable": True}))
    kubectl(*change({"metadata": {"labels": {"x": "y"}}}))
    why = "field is immutable when `immutable` is set"
    for patch, field in (
        ({"data": {"a": "2"}}, "data"),
        ({"binaryData": {"b": "AA=="}}, "binaryData"),
        ({"immutable": False}, "immutable"),
    ):
        refused = kubectl.fails(*change(patch))
        assert f'The ConfigMap "c" is invalid: {field}: Forbidden: {why}' in refused
    kubectl("delete", "configmap", "c")


def test_names_that_follow_the_content(kubectl: Kubectl) -> None:
    """``--append-hash``: changed content is another object, which nobody changes in place."""
    for kind in (["secret", "generic"], ["configmap"]):
        made = kubectl("create", *kind, "s", "--from-literal=a=1", "--append-hash")
        again = kubectl.fails("create", *kind, "s", "--from-literal=a=1", "--append-hash")
        other = kubectl("create", *kind, "s", "--from-literal=a=2", "--append-hash")
        name = re.fullmatch(r"(?:secret|configmap)/(s-[a-z0-9]{10}) created\n", made)
        assert name is not None
        assert f'"{name[1]}" already exists' in again
        assert name[1] not in other


def test_a_registry_login_from_a_file(kubectl: Kubectl) -> None:
    """As ``docker login`` leaves it, with several registries."""
    auths = {"auths": {"a.example.test": {"auth": "YTpi"}, "b.example.test": {"auth": "YzpkCg=="}}}
    (kubectl.directory / "config.json").write_text(json.dumps(auths))
    kubectl("create", "secret", "docker-registry", "s", "--from-file=.dockerconfigjson=config.json")
    secret = kubectl.object("secret", "s")
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    assert json.loads(base64.b64decode(secret["data"][".dockerconfigjson"])) == auths


@pytest.mark.parametrize(
    ("kind", "data", "missing"),
    [
        ("kubernetes.io/basic-auth", "username=u", "password=p"),
        ("kubernetes.io/ssh-auth", "ssh-privatekey=k", "other=k"),
        ("bootstrap.kubernetes.io/token", "token-id=abcdef", ""),
        ("kubernetes.io/dockercfg", ".dockercfg={}", ".dockercfg=[]"),
    ],
)
def test_types_that_have_no_command_of_their_own(
    kubectl: Kubectl, kind: str, data: str, missing: str
) -> None:
    kubectl("create", "secret", "generic", "s", f"--type={kind}", f"--from-literal={data}")
    assert kubectl("get", "secret", "s", "-o", "jsonpath={.type}") == kind
    if kind == "kubernetes.io/dockercfg":
        refused = kubectl.fails(
            "create", "secret", "generic", "t", f"--type={kind}", f"--from-literal={missing}"
        )
        assert "<secret contents redacted>" in refused
        assert "cannot unmarshal array" in refused


def env_of(template: Any) -> dict[str, Any]:
    """The variables of the only container of a pod's spec, by name."""
    (container,) = template["spec"]["containers"]
    return {entry.pop("name"): entry for entry in container["env"]}


def test_variables_set_from_a_secret_and_a_config_map(kubectl: Kubectl) -> None:
    kubectl(
        "create", "secret", "generic", "db", "--from-literal=user=u", "--from-literal=pass.word=p"
    )
    kubectl("create", "configmap", "app", "--from-literal=mode=on")
    kubectl.apply(json.dumps(DEPLOYMENT))
    changed = kubectl("set", "env", "deployment/web", "--from=secret/db", "--prefix=DB_")
    assert changed == "deployment.apps/web env updated\n"
    kubectl("set", "env", "deployment/web", "--from=configmap/app", "PLAIN=1")
    kubectl("set", "env", "deployment/web", "--from=secret/db", "--keys=user")
    wanted = {
        "DB_USER": {"valueFrom": {"secretKeyRef": {"name": "db", "key": "user"}}},
        "DB_PASS_WORD": {"valueFrom": {"secretKeyRef": {"name": "db", "key": "pass.word"}}},
        "MODE": {"valueFrom": {"configMapKeyRef": {"name": "app", "key": "mode"}}},
        "USER": {"valueFrom": {"secretKeyRef": {"name": "db", "key": "user"}}},
    }
    found = env_of(kubectl.object("deployment", "web")["spec"]["template"])
    plain = found.pop("PLAIN", None)
    assert plain == {"value": "1"}
    assert found == wanted
    listed = kubectl("set", "env", "deployment/web", "--list")
    assert "# DB_USER from secret db, key user" in listed
    assert kubectl("set", "env", "deployment/web", "--list", "--resolve").count("=u\n") == 2
    kubectl("set", "env", "deployment/web", "DB_USER-", "PLAIN-")
    left = env_of(kubectl.object("deployment", "web")["spec"]["template"])
    assert set(left) == {"DB_PASS_WORD", "MODE", "USER"}


def test_variables_of_a_pod_are_shown_but_cannot_be_changed(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "db", "--from-literal=user=u")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "none"}]},
    }
    kubectl("create", "serviceaccount", "default")
    kubectl("create", "-f", "-", stdin=json.dumps(pod))
    change = ["set", "env", "pod/p", "--from=secret/db"]
    shown = yaml.safe_load(kubectl(*change, "--dry-run=client", "-o", "yaml"))
    assert env_of(shown) == {"USER": {"valueFrom": {"secretKeyRef": {"name": "db", "key": "user"}}}}
    assert "pod updates may not change fields other than" in kubectl.fails(*change)


def test_a_new_namespace_has_what_pods_need_and_its_quota_counts(pods: Kubectl) -> None:
    """A server with controllers: the account and the authority are there and come back."""
    pods("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
    pods("wait", "--for=create", "configmap/kube-root-ca.crt", "--timeout=60s")
    first = pods.object("configmap", "kube-root-ca.crt")
    raw = yaml.safe_load(pods.kubeconfig.read_text())["clusters"][0]["cluster"]
    ca = base64.b64decode(raw["certificate-authority-data"]).decode()
    assert first["data"] == {"ca.crt": ca}
    pods("delete", "configmap/kube-root-ca.crt", "serviceaccount/default")
    pods("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
    pods("wait", "--for=create", "configmap/kube-root-ca.crt", "--timeout=60s")
    assert (
        pods.object("configmap", "kube-root-ca.crt")["metadata"]["uid"] != first["metadata"]["uid"]
    )
    pods("create", "quota", "q", "--hard=secrets=1,count/secrets=5,configmaps=1")
    counted = {"secrets": "0", "count/secrets": "0", "configmaps": "1"}
    eventually(lambda: used(pods) == counted)
    pods("create", "secret", "generic", "one")
    refused = pods.fails("create", "secret", "generic", "two")
    assert "exceeded quota: q, requested: secrets=1, used: secrets=1, limited: secrets=1" in refused
    assert "exceeded quota: q" in pods.fails("create", "configmap", "more")
    pods("delete", "secret", "one")
    eventually(lambda: used(pods) == counted)
    pods("create", "secret", "generic", "two")


def used(kubectl: Kubectl) -> Any:
    """What the quota says is used."""
    return kubectl.object("quota", "q").get("status", {}).get("used")
