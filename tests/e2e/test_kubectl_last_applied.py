"""`kubectl apply` of Secrets comes out right, though no value stays in its annotation."""

from __future__ import annotations

import base64
import json
import stat
from typing import Any

from tests.e2e.kubectl import Kubectl
from tests.e2e.wire import Wire

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
MASK = "masked/by/strongroom"


def manifest(text: bool = False, **values: str) -> str:
    """Secret `s` with these values, as base64 or as text."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s"},
            **({"stringData": values} if text else {"data": data}),
        }
    )


def values(kubectl: Kubectl) -> dict[str, str]:
    data = kubectl.object("secret", "s").get("data", {})
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def last(kubectl: Kubectl) -> Any:
    return json.loads(kubectl.object("secret", "s")["metadata"]["annotations"][ANNOTATION])


def test_changes_additions_and_removals_come_out_right(kubectl: Kubectl) -> None:
    kubectl.apply(manifest(a="1", b="2"))
    assert last(kubectl)["data"] == {"a": MASK, "b": MASK}
    kubectl("patch", "secret", "s", "-p", '{"stringData":{"other":"kept"}}')
    assert kubectl.apply(manifest(a="changed", c="3")) == "secret/s configured\n"
    assert values(kubectl) == {"a": "changed", "c": "3", "other": "kept"}
    assert last(kubectl)["data"] == {"a": MASK, "c": MASK}
    # A change by hand is undone, as ever.
    kubectl("patch", "secret", "s", "-p", '{"stringData":{"a":"by hand"}}')
    kubectl.apply(manifest(a="changed", c="3"))
    assert values(kubectl)["a"] == "changed"


def test_the_same_again_is_no_change(kubectl: Kubectl) -> None:
    kubectl.apply(manifest(a="1"))
    before = kubectl.object("secret", "s")
    assert kubectl.apply(manifest(a="1")) == "secret/s unchanged\n"
    assert kubectl.object("secret", "s") == before
    assert last(kubectl)["data"] == {"a": MASK}
    same = kubectl.run("diff", "-f", "-", stdin=manifest(a="1"))
    assert (same.code, same.out) == (0, "")
    changed = kubectl.run("diff", "-f", "-", stdin=manifest(a="2"))
    assert changed.code == 1
    assert ANNOTATION not in changed.out


def test_text_is_masked_too(kubectl: Kubectl) -> None:
    kubectl.apply(manifest(text=True, a="1", b="2"))
    assert last(kubectl)["stringData"] == {"a": MASK, "b": MASK}
    kubectl.apply(manifest(text=True, a="3"))
    assert values(kubectl)["a"] == "3"
    assert last(kubectl)["stringData"] == {"a": MASK}


def test_the_commands_about_the_annotation(kubectl: Kubectl) -> None:
    kubectl("create", "--save-config", "-f", "-", stdin=manifest(a="1"))
    shown = kubectl("apply", "view-last-applied", "secret/s", "-o", "json")
    assert json.loads(shown)["data"] == {"a": MASK}
    file = kubectl.directory / "s.json"
    file.write_text(manifest(a="1", gone="2"))
    kubectl("apply", "set-last-applied", "-f", str(file))
    assert last(kubectl)["data"] == {"a": MASK, "gone": MASK}
    editor = kubectl.directory / "editor"
    editor.write_text(
        "#!/bin/sh\nsed -i 's/gone:/left:/; s/masked.by.strongroom/aHVudGVyMg==/' $1\n"
    )
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    editing = Kubectl(
        kubectl.kubeconfig, kubectl.namespace, kubectl.directory, {"KUBE_EDITOR": str(editor)}
    )
    editing("apply", "edit-last-applied", "secret/s")
    assert last(kubectl)["data"] == {"a": MASK, "left": MASK}


def test_to_the_server_and_back(kubectl: Kubectl) -> None:
    kubectl.apply(manifest(a="1", b="2"))
    done = kubectl.run("apply", "--server-side", "-f", "-", stdin=manifest(a="changed", b="2"))
    assert (done.code, done.err) == (0, "")
    assert values(kubectl) == {"a": "changed", "b": "2"}
    assert last(kubectl)["data"] == {"a": MASK, "b": MASK}
    kubectl("apply", "--server-side", "-f", "-", stdin=manifest(a="changed"))
    assert values(kubectl) == {"a": "changed"}
    kubectl.apply(manifest(a="again", c="3"))
    assert values(kubectl) == {"a": "again", "c": "3"}
    kubectl.apply(manifest(c="3"))
    assert values(kubectl) == {"c": "3"}


def test_a_masked_manifest_is_not_applied_unnoticed(kubectl: Kubectl) -> None:
    kubectl.apply(manifest(a="1"))
    shown = kubectl("apply", "view-last-applied", "secret/s", "-o", "json")
    done = kubectl.run("apply", "-f", "-", stdin=shown)
    assert "Warning: data[a]: the value is the mark" in done.err


def test_only_an_apply_that_reads_the_whole_secret_reads_the_annotation_whole(
    kubectl: Kubectl, wire: Wire
) -> None:
    kubectl.apply(manifest(a="1"))
    path = f"/api/v1/namespaces/{kubectl.namespace}/secrets"
    apply = {"Kubectl-Command": "kubectl apply"}
    filled = wire.send("GET", f"{path}/s", headers=apply).json
    text = filled["metadata"]["annotations"][ANNOTATION]
    assert json.loads(text)["data"] == filled["data"]
    metadata = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
    for where, headers in (
        (f"{path}/s", {**apply, **metadata}),
        (f"{path}/s", {"Kubectl-Command": "kubectl get"}),
        (path, apply),
    ):
        assert json.dumps(MASK)[1:-1] in wire.send("GET", where, headers=headers).body.decode()
