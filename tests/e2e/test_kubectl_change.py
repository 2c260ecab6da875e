"""Changing and removing Secrets with the real kubectl."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from tests.e2e.kubectl import Kubectl


def manifest(**data: str) -> str:
    """The manifest of Secret `app` with these (base64) values."""
    secret: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}}
    return json.dumps({**secret, "data": data})


@pytest.fixture
def app(kubectl: Kubectl) -> Kubectl:
    """kubectl in a namespace where Secret `app` has been applied."""
    assert kubectl.apply(manifest(one="MQ==", two="Mg==")) == "secret/app created\n"
    return kubectl


def data_of(kubectl: Kubectl) -> Any:
    return kubectl.object("secret", "app").get("data")


def test_apply_changes_and_prunes_keys(app: Kubectl) -> None:
    assert app.apply(manifest(one="MQ==", two="Mg==")) == "secret/app unchanged\n"
    assert app.apply(manifest(one="dW5v")) == "secret/app configured\n"
    assert data_of(app) == {"one": "dW5v"}


def test_apply_leaves_the_keys_of_others(app: Kubectl) -> None:
    app("patch", "secret", "app", "-p", '{"data":{"three":"Mw=="}}')
    app.apply(manifest(one="MQ=="))
    assert data_of(app) == {"one": "MQ==", "three": "Mw=="}


def test_apply_prunes_objects_by_label(app: Kubectl) -> None:
    app("label", "secret", "app", "set=a")
    kept = json.loads(manifest(a="Yg=="))
    kept["metadata"] = {"name": "kept", "labels": {"set": "a"}}
    out = app(
        "apply",
        "-f",
        "-",
        "--prune",
        "-l",
        "set=a",
        "--prune-allowlist=core/v1/Secret",
        stdin=json.dumps(kept),
    )  # fmt: skip - options in a row
    assert out == "secret/kept created\nsecret/app pruned\n"
    assert app("get", "secrets", "-o", "name") == "secret/kept\n"


def test_diff_masks_values_and_tells_by_its_exit_code(app: Kubectl) -> None:
    same = app.run("diff", "-f", "-", stdin=manifest(one="MQ==", two="Mg=="))
    assert (same.code, same.out) == (0, "")
    changed = app.run("diff", "-f", "-", stdin=manifest(one="dW5v"))
    assert changed.code == 1
    assert {line for line in changed.out.splitlines() if line[:3] in ("-  ", "+  ")} == {
        "-  one: '*** (before)'",
        "+  one: '*** (after)'",
        "-  two: '***'",
    }
    assert data_of(app) == {"one": "MQ==", "two": "Mg=="}


def edited(kubectl: Kubectl, editor: str) -> Kubectl:
    """kubectl with this command as its editor."""
    return replace(kubectl, environment={"KUBE_EDITOR": editor})


def test_edit(app: Kubectl) -> None:
    assert edited(app, "sed -i s/MQ==/dW5v/")("edit", "secret", "app") == "secret/app edited\n"
    assert data_of(app) == {"one": "dW5v", "two": "Mg=="}


def test_edit_without_a_change(app: Kubectl) -> None:
    done = edited(app, "true").run("edit", "secret", "app")
    assert (done.code, done.err) == (0, "Edit cancelled, no changes made.\n")


def test_edit_that_is_refused_keeps_the_object(app: Kubectl) -> None:
    done = edited(app, "sed -i s/Opaque/other/").run("edit", "secret", "app")
    assert done.code == 1
    assert done.err.startswith('error: secrets "app" is invalid\nA copy of your changes has been ')
    assert app.object("secret", "app")["type"] == "Opaque"


@pytest.mark.parametrize(
    ("kind", "patch", "data"),
    [
        ("strategic", {"stringData": {"x": "y"}}, {"one": "MQ==", "two": "Mg==", "x": "eQ=="}),
        ("strategic", {"data": {"one": None}}, {"two": "Mg=="}),
        ("merge", {"data": {"one": None, "two": "eA=="}}, {"two": "eA=="}),
        (
            "json",
            [
                {"op": "test", "path": "/data/one", "value": "MQ=="},
                {"op": "move", "from": "/data/one", "path": "/data/first"},
            ],
            {"first": "MQ==", "two": "Mg=="},
        ),
    ],
)  # fmt: skip - the two steps of the JSON patch below each other
def test_patch(app: Kubectl, kind: str, patch: Any, data: dict[str, str]) -> None:
    out = app("patch", "secret", "app", "--type", kind, "-p", json.dumps(patch))
    assert out == "secret/app patched\n"
    assert data_of(app) == data


def test_a_patch_that_changes_nothing_says_so(app: Kubectl) -> None:
    out = app("patch", "secret", "app", "-p", '{"data":{"one":"MQ=="}}')
    assert out == "secret/app patched (no change)\n"


@pytest.mark.parametrize(
    ("kind", "patch", "message"),
    [
        ("json", '[{"op":"test","path":"/data/one","value":"eA=="}]', "The request is invalid"),
        ("strategic", '{"data":{"one":5}}', "cannot unmarshal number into Go struct field"),
        ("merge", '{"type":"x"}', 'type: Invalid value: "x": field is immutable'),
        ("merge", '{"metadata":{"name":"x"}}', "the name of the object (x) does not match"),
    ],
)
def test_a_bad_patch_is_refused(app: Kubectl, kind: str, patch: str, message: str) -> None:
    assert message in app.fails("patch", "secret", "app", "--type", kind, "-p", patch)
    assert data_of(app) == {"one": "MQ==", "two": "Mg=="}


def test_label(app: Kubectl) -> None:
    assert app("label", "secret", "app", "a=b") == "secret/app labeled\n"
    assert app.fails("label", "secret", "app", "a=c") == (
        "error: 'a' already has a value (b), and --overwrite is false\n"
    )
    app("label", "secret", "app", "--overwrite", "a=c")
    assert app.object("secret", "app")["metadata"]["labels"] == {"a": "c"}
    assert app("label", "secret", "app", "a-") == "secret/app unlabeled\n"
    assert "labels" not in app.object("secret", "app")["metadata"]


def test_annotate(app: Kubectl) -> None:
    assert app("annotate", "secret", "app", "note=hello") == "secret/app annotated\n"
    assert app.object("secret", "app")["metadata"]["annotations"]["note"] == "hello"


def test_replace_detects_conflicts(app: Kubectl) -> None:
    old = app("get", "secret", "app", "-o", "json")
    assert app("replace", "-f", "-", stdin=old.replace("MQ==", "dW5v")) == "secret/app replaced\n"
    assert app.fails("replace", "-f", "-", stdin=old) == (
        'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled '
        'on secrets "app": the object has been modified; please apply your changes to the latest '
        "version and try again\n"
    )


def test_replace_by_force_makes_a_new_object(app: Kubectl) -> None:
    old = app.object("secret", "app")["metadata"]["uid"]
    (app.directory / "new.json").write_text(manifest(three="Mw=="))
    assert app("replace", "--force", "-f", "new.json") == (
        f'secret "app" deleted from {app.namespace} namespace\nsecret/app replaced\n'
    )
    assert app.object("secret", "app")["metadata"]["uid"] != old
    assert data_of(app) == {"three": "Mw=="}


def test_immutable_stays_as_it_is(app: Kubectl) -> None:
    app("patch", "secret", "app", "-p", '{"immutable":true}')
    assert app.fails("patch", "secret", "app", "-p", '{"data":{"one":"eA=="}}') == (
        'The Secret "app" is invalid: data: Forbidden: field is immutable when `immutable` is set\n'
    )
    assert app.fails("patch", "secret", "app", "-p", '{"immutable":false}') == (
        'The Secret "app" is invalid: immutable: Forbidden: '
        "field is immutable when `immutable` is set\n"
    )
    app("label", "secret", "app", "a=b")
    app("delete", "secret", "app")


def test_delete_by_name_by_selector_and_by_file(app: Kubectl) -> None:
    gone = f'secret "%s" deleted from {app.namespace} namespace\n'
    for name in ("a", "b", "c"):
        app("create", "secret", "generic", name)
    assert app("delete", "secret", "a") == gone % "a"
    app("label", "secret", "b", "old=yes")
    assert app("delete", "secrets", "-l", "old=yes") == gone % "b"
    (app.directory / "app.json").write_text(manifest())
    assert app("delete", "-f", "app.json") == gone % "app"
    assert app("delete", "-f", "app.json", "--ignore-not-found") == ""
    assert app("get", "secrets", "-o", "name") == "secret/c\n"


def test_delete_with_a_dry_run_deletes_nothing(app: Kubectl) -> None:
    out = app("delete", "secret", "app", "--dry-run=server")
    assert out == f'secret "app" deleted from {app.namespace} namespace (server dry run)\n'
    assert data_of(app)


def test_wait_for_a_field_and_for_a_deletion(app: Kubectl) -> None:
    out = app("wait", "secret/app", "--for=jsonpath={.type}=Opaque", "--timeout=10s")
    assert out == "secret/app condition met\n"
    with app.start("wait", "secret/app", "--for=delete", "--timeout=30s") as waiting:
        app("delete", "secret", "app")
        assert waiting.stdout is not None
        # It has nothing to say when the Secret was gone before it looked.
        assert waiting.stdout.read() in ("secret/app condition met\n", "")
    assert waiting.returncode == 0


def test_kustomize_generates_and_applies(kubectl: Kubectl) -> None:
    (kubectl.directory / "kustomization.yaml").write_text(
        "secretGenerator:\n- name: db\n  literals: [user=admin]\n"
    )
    built = yaml.safe_load(kubectl("kustomize", "."))
    name = built["metadata"]["name"]
    assert name.startswith("db-")
    assert kubectl("apply", "-k", ".") == f"secret/{name} created\n"
    assert kubectl("apply", "-k", ".") == f"secret/{name} unchanged\n"
    assert kubectl.object("secret", name)["data"] == {"user": "YWRtaW4="}
    assert kubectl("delete", "-k", ".") == (
        f'secret "{name}" deleted from {kubectl.namespace} namespace\n'
    )
