"""kubectl 1.33, four minor versions older than the API it talks to."""

from __future__ import annotations

import base64
import json
import re
import stat
from pathlib import Path

import pytest
import yaml

from tests.clients.vaults import NAME, vault
from tests.e2e.kubectl import Kubectl
from tests.waiting import eventually

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {a: '%s', b: '%s'}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: '%s'}\n"


def rows(table: str) -> list[list[str]]:
    """The columns of each line that kubectl printed."""
    return [line.split() for line in table.splitlines()]


def test_versions_differ_and_it_says_so(old: Kubectl) -> None:
    done = old.run("version")
    assert re.search(r"Client Version: v1\.33\.", done.out)
    assert "Server Version: v1.37." in done.out
    assert "exceeds the supported minor version skew" in done.err


def test_secrets_in_every_form(old: Kubectl) -> None:
    assert old("create", "secret", "generic", "s", "--from-literal=a=1") == "secret/s created\n"
    docker = ("--docker-server=r.example.com", "--docker-username=u", "--docker-password=p")
    old("create", "secret", "docker-registry", "pull", *docker)
    head, pull, opaque = rows(old("get", "secrets"))
    assert head == ["NAME", "TYPE", "DATA", "AGE"]
    assert pull[:3] == ["pull", "kubernetes.io/dockerconfigjson", "1"]
    assert opaque[:3] == ["s", "Opaque", "1"]
    assert rows(old("get", "secrets", "-o", "wide"))[1][:3] == pull[:3]
    shown = yaml.safe_load(old("get", "secret", "s", "-o", "yaml"))
    assert shown["data"] == {"a": base64.b64encode(b"1").decode()}
    assert old("get", "secret", "s", "-o", "jsonpath={.data.a}") == "MQ=="
    named = old("get", "secrets", "--sort-by=.metadata.name", "-o", "name")
    assert named == "secret/pull\nsecret/s\n"
    columns = "N:.metadata.name,T:.type"
    assert rows(old("get", "secret", "s", "-o", f"custom-columns={columns}"))[1] == ["s", "Opaque"]
    assert "a:  1 bytes" in old("describe", "secret", "s")


def test_a_watch_prints_each_change(old: Kubectl) -> None:
    old("create", "configmap", "app", "--from-literal=a=1")
    mine = "--field-selector=metadata.name=app"
    watching = old.start("get", "configmaps", mine, "-w", "--no-headers", "--output-watch-events")
    with watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().split()[:3] == ["ADDED", "app", "1"]
        old("patch", "configmap", "app", "-p", '{"data":{"b":"2"}}')
        assert watching.stdout.readline().split()[:3] == ["MODIFIED", "app", "2"]
        old("delete", "configmap", "app")
        assert watching.stdout.readline().split()[:3] == ["DELETED", "app", "2"]
        watching.terminate()


def test_apply_keeps_what_others_set_and_prunes_its_own(old: Kubectl) -> None:
    assert old.apply(CONFIG % (1, 1)) == "configmap/app created\n"
    assert old.apply(CONFIG % (1, 1)) == "configmap/app unchanged\n"
    old("patch", "configmap", "app", "--type=merge", "-p", '{"data":{"c":"3"}}')
    fewer = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {a: '2'}\n"
    assert old.apply(fewer) == "configmap/app configured\n"
    assert old.object("configmap", "app")["data"] == {"a": "2", "c": "3"}
    assert json.loads(old("apply", "view-last-applied", "cm/app", "-o", "json"))["data"] == {
        "a": "2"
    }


@pytest.mark.parametrize("side", [(), ("--server-side",)], ids=["client", "server"])
def test_diff_before_apply_on_either_side(old: Kubectl, side: tuple[str, ...]) -> None:
    old("apply", *side, "-f", "-", stdin=CONFIG % (1, 1))
    changed = old.run("diff", *side, "-f", "-", stdin=CONFIG % (2, 1))
    assert (changed.code, '+  a: "2"' in changed.out) == (1, True)
    same = old.run("diff", *side, "-f", "-", stdin=CONFIG % (1, 1))
    assert (same.code, same.out) == (0, "")
    assert old.object("configmap", "app")["data"] == {"a": "1", "b": "1"}


def test_diff_does_not_print_values_of_secrets(old: Kubectl) -> None:
    old.apply(SECRET % "before-it")
    shown = old.run("diff", "-f", "-", stdin=SECRET % "after-it")
    assert shown.code == 1
    for value in (b"before-it", b"after-it"):
        assert base64.b64encode(value).decode() not in shown.out
    assert "***" in shown.out


def test_apply_on_the_server_and_its_conflicts(old: Kubectl) -> None:
    apply = ("apply", "--server-side", "-f", "-")
    assert old(*apply, stdin=CONFIG % (1, 1)) == "configmap/app serverside-applied\n"
    told = old.fails(*apply, "--field-manager=other", stdin=CONFIG % (2, 1))
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .data.a' in told
    old(*apply, "--field-manager=other", "--force-conflicts", stdin=CONFIG % (2, 1))
    assert old.object("configmap", "app")["data"] == {"a": "2", "b": "1"}


def test_what_was_applied_here_goes_on_there(old: Kubectl) -> None:
    old.apply(CONFIG % (1, 1))
    old("apply", "--server-side", "-f", "-", stdin=CONFIG % (2, 1))
    shown = old.object("configmap", "app", "--show-managed-fields")
    managers = [entry["manager"] for entry in shown["metadata"]["managedFields"]]
    assert sorted(managers) == ["kubectl", "kubectl-last-applied"]
    assert shown["data"] == {"a": "2", "b": "1"}


def test_an_editor_changes_a_secret(old: Kubectl) -> None:
    old.apply(SECRET % "1")
    script = old.directory / "editor"
    script.write_text("#!/bin/sh\nsed -i 's/  a: MQ==/  a: Mg==/' \"$1\"\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    editing = Kubectl(
        old.kubeconfig, old.namespace, old.directory, {"EDITOR": str(script)}, old.program
    )
    assert editing("edit", "secret", "s") == "secret/s edited\n"
    assert old.object("secret", "s")["data"] == {"a": "Mg=="}
    assert "Edit cancelled, no changes made." in editing.run("edit", "secret", "s").err


def test_labels_and_annotations(old: Kubectl) -> None:
    old.apply(CONFIG % (1, 1))
    assert old("label", "cm", "app", "tier=web") == "configmap/app labeled\n"
    told = old.fails("label", "cm", "app", "tier=db")
    assert "'tier' already has a value (web), and --overwrite is false" in told
    assert old("annotate", "cm", "app", "note=x") == "configmap/app annotated\n"
    assert old("get", "cm", "-l", "tier in (web),!other", "-o", "name") == "configmap/app\n"
    assert rows(old("get", "cm", "app", "-L", "tier"))[0][-1] == "TIER"
    old("label", "cm", "app", "tier-")
    assert old("get", "cm", "-l", "tier", "-o", "name") == ""


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_what_becomes_of_dependents(old: Kubectl, cascade: str) -> None:
    old("create", "configmap", "owner")
    uid = old.object("configmap", "owner")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    owner["blockOwnerDeletion"] = True
    meta = {"name": "owned", "ownerReferences": [owner]}
    old.apply(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": meta}))
    old("delete", "configmap", "owner", f"--cascade={cascade}", "--timeout=30s")
    if cascade == "orphan":
        assert "ownerReferences" not in old.object("secret", "owned")["metadata"]
    else:
        old("wait", "--for=delete", "secret/owned", "--timeout=30s")


def test_waiting_for_a_value_and_for_an_end(old: Kubectl) -> None:
    old.apply(CONFIG % (1, 1))
    met = old("wait", "cm/app", "--for=jsonpath={.data.a}=1", "--timeout=5s")
    assert met == "configmap/app condition met\n"
    with old.start("wait", "cm/app", "--for=delete", "--timeout=20s") as waiting:
        old("delete", "cm", "app")
        assert waiting.wait(20) == 0
    assert (
        old("create", "cm", "new", "--dry-run=server") == "configmap/new created (server dry run)\n"
    )
    assert "not found" in old.fails("get", "cm", "new")


def test_explain_by_both_documents(old: Kubectl, vaults: None) -> None:
    shown = old("explain", "deployment.spec.template.spec.containers.env")
    assert rows(shown)[0] == ["GROUP:", "apps"]
    assert "FIELD: env <[]EnvVar>" in shown
    older = old("explain", "secret.data", "--output=plaintext-openapiv2")
    assert "FIELD:    data <map[string]string>" in older
    assert re.search(r"doors\t<integer>", old("explain", "vault.spec"))
    assert "keys\t<[]Object>" in old("explain", "vault", "--recursive")


def test_resources_by_name_short_name_and_verb(old: Kubectl, vaults: None) -> None:
    listed = {row[0]: row for row in rows(old("api-resources", "--no-headers"))}
    assert listed["secrets"] == ["secrets", "v1", "true", "Secret"]
    assert listed["deployments"] == ["deployments", "deploy", "apps/v1", "true", "Deployment"]
    assert listed["vaults"] == ["vaults", "vt", "clients.example.com/v1", "true", "Vault"]
    able = old("api-resources", "--verbs=list,watch", "--namespaced=false", "-o", "name")
    assert "namespaces" in able.split()
    assert "clients.example.com/v1" in old("api-versions").split()


def test_custom_objects(old: Kubectl, vaults: None) -> None:
    assert old.apply(json.dumps(vault("v"))) == "vault.clients.example.com/v created\n"
    assert rows(old("get", "vt"))[:2] == [["NAME", "OWNER"], ["v", "me"]]
    old("scale", "vault/v", "--replicas=3")
    old.apply(json.dumps(vault("v", "you")))
    old(
        "patch",
        "vault",
        "v",
        "--subresource=status",
        "--type=merge",
        "-p",
        '{"status":{"open":true}}',
    )
    got = old.object("vault", "v")
    assert (got["spec"], got["status"]) == ({"owner": "you", "doors": 3}, {"open": True})
    told = old.fails("apply", "-f", "-", stdin=json.dumps(vault("w", "")))
    assert "spec.owner: Invalid value" in told
    told = old.fails("create", "-f", "-", stdin=json.dumps(vault("w", colour="red")))
    assert 'unknown field "spec.colour"' in told
    assert "CustomResourceDefinition" in old("get", "crd", NAME, "-o", "yaml")


def test_deployments(old: Kubectl) -> None:
    old("create", "deployment", "web", "--image=nginx:1", "--replicas=2")
    old("set", "image", "deployment/web", "nginx=nginx:2")
    old("set", "env", "deployment/web", "MODE=on")
    old("scale", "deployment", "web", "--replicas=3")
    head, row = rows(old("get", "deployments", "-o", "wide"))
    assert head == [
        "NAME",
        "READY",
        "UP-TO-DATE",
        "AVAILABLE",
        "AGE",
        "CONTAINERS",
        "IMAGES",
        "SELECTOR",
    ]
    assert [*row[:2], *row[5:]] == ["web", "0/3", "nginx", "nginx:2", "app=web"]
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "s"}]}}}}
    old("patch", "deployment", "web", "-p", json.dumps(patch))
    images = old("get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers[*].image}")
    assert images == "s nginx:2"
    old("rollout", "restart", "deployment/web")
    annotated = old.object("deploy", "web")["spec"]["template"]["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" in annotated
    assert "3 desired" in old("describe", "deployment", "web")


def test_namespaces_end_with_what_is_in_them(old: Kubectl) -> None:
    old("create", "secret", "generic", "s")
    old("delete", "namespace", old.namespace, "--timeout=30s")
    assert "not found" in old.fails("get", "namespace", old.namespace)


def test_a_context_of_its_own(old: Kubectl, tmp_path: Path) -> None:
    own = tmp_path / "config"
    own.write_text(old.kubeconfig.read_text())
    bound = Kubectl(own, "default", tmp_path, program=old.program)
    bound("config", "set-context", "--current", f"--namespace={old.namespace}")
    shown = yaml.safe_load(bound("config", "view", "--minify"))
    assert shown["contexts"][0]["context"]["namespace"] == old.namespace
    assert "DATA+OMITTED" in bound("config", "view")
    assert bound("config", "current-context").strip() == shown["current-context"]


def test_events_and_the_cluster(old: Kubectl) -> None:
    assert "is running at" in old("cluster-info")
    told = old.fails("logs", "nobody")
    assert 'pods "nobody" not found' in told
    assert eventually(lambda: old("get", "--raw", "/readyz")) == "ok"
