"""Server-side apply with the real kubectl."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.e2e.kubectl import Kubectl


def _manifest(**data: str) -> str:
    meta = {"name": "app"}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})


def _apply(kubectl: Kubectl, manifest: str, *options: str) -> str:
    return kubectl("apply", "--server-side", "-f", "-", *options, stdin=manifest)


@pytest.fixture
def app(kubectl: Kubectl) -> Kubectl:
    """kubectl in a namespace where ConfigMap `app` has been applied on the server."""
    assert _apply(kubectl, _manifest(a="1", b="1")) == "configmap/app serverside-applied\n"
    return kubectl


def _data(kubectl: Kubectl) -> object:
    return kubectl.object("configmap", "app").get("data")


def test_apply_changes_and_prunes(app: Kubectl) -> None:
    assert _apply(app, _manifest(a="2")) == "configmap/app serverside-applied\n"
    assert _data(app) == {"a": "2"}


def test_applying_the_same_again_changes_nothing(app: Kubectl) -> None:
    before = app.object("configmap", "app")
    _apply(app, _manifest(a="1", b="1"))
    assert app.object("configmap", "app") == before


def test_conflicts_are_told_and_can_be_forced(app: Kubectl) -> None:
    options = ("apply", "--server-side", "-f", "-", "--field-manager=other")
    told = app.fails(*options, stdin=_manifest(a="2"))
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .data.a' in told
    assert _data(app) == {"a": "1", "b": "1"}
    _apply(app, _manifest(a="2"), "--field-manager=other", "--force-conflicts")
    assert _data(app) == {"a": "2", "b": "1"}


def test_what_was_edited_is_a_conflict(app: Kubectl) -> None:
    app("patch", "configmap", "app", "-p", '{"data":{"a":"2"}}')
    told = app.fails("apply", "--server-side", "-f", "-", stdin=_manifest(a="1"))
    assert 'conflict with "kubectl-patch" using v1: .data.a' in told


def test_managed_fields_are_shown_when_asked_for(app: Kubectl) -> None:
    app("label", "configmap", "app", "x=y")
    shown = yaml.safe_load(app("get", "configmap", "app", "-o", "yaml", "--show-managed-fields"))
    applied, labelled = shown["metadata"]["managedFields"]
    assert (applied["manager"], applied["operation"]) == ("kubectl", "Apply")
    assert applied["fieldsV1"] == {"f:data": {"f:a": {}, "f:b": {}}}
    assert (labelled["manager"], labelled["operation"]) == ("kubectl-label", "Update")
    assert labelled["fieldsV1"] == {"f:metadata": {"f:labels": {".": {}, "f:x": {}}}}
    hidden = yaml.safe_load(app("get", "configmap", "app", "-o", "yaml"))
    assert "managedFields" not in hidden["metadata"]


def test_a_difference_is_shown_before_it_is_made(app: Kubectl) -> None:
    done = app.run("diff", "--server-side", "-f", "-", stdin=_manifest(a="2", b="1"))
    assert done.code == 1
    assert '-  a: "1"' in done.out
    assert '+  a: "2"' in done.out
    assert _data(app) == {"a": "1", "b": "1"}
    same = app.run("diff", "--server-side", "-f", "-", stdin=_manifest(a="1", b="1"))
    assert (same.code, same.out) == (0, "")


def test_a_dry_run_on_the_server_stores_nothing(app: Kubectl) -> None:
    out = _apply(app, _manifest(a="2"), "--dry-run=server")
    assert out == "configmap/app serverside-applied (server dry run)\n"
    assert _data(app) == {"a": "1", "b": "1"}


def test_from_client_side_to_server_side_apply_and_back(kubectl: Kubectl) -> None:
    kubectl.apply(_manifest(a="1", b="1"))
    _apply(kubectl, _manifest(a="2"))
    assert _data(kubectl) == {"a": "2"}
    kubectl.apply(_manifest(c="1"))
    assert _data(kubectl) == {"c": "1"}


def test_an_unknown_field_is_refused(kubectl: Kubectl) -> None:
    bad = json.loads(_manifest(a="1")) | {"dota": {}}
    told = kubectl.fails("apply", "--server-side", "-f", "-", stdin=json.dumps(bad))
    assert ".dota: field not declared in schema" in told


def test_a_secret_is_applied_with_its_text(kubectl: Kubectl) -> None:
    meta = {"name": "app"}
    config = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"k": "v"}}
    assert _apply(kubectl, json.dumps(config)) == "secret/app serverside-applied\n"
    assert kubectl.object("secret", "app")["data"] == {"k": "dg=="}
