"""kubectl with custom kinds: as soon as a definition is established, everything works."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator

import pytest
import yaml

from tests.e2e.kubectl import Kubectl
from tests.server.custom import NAME, Tree, crontab, full

CRD = f"crd/{NAME}"


@pytest.fixture
def defined(kubectl: Kubectl) -> Iterator[Kubectl]:
    """kubectl where crontabs are defined; the definition goes with the test."""
    kubectl.apply(manifest(full()))
    kubectl("wait", "--for", "condition=Established", CRD, "--timeout=20s")
    yield kubectl
    kubectl("delete", CRD, "--ignore-not-found", "--timeout=30s")


def manifest(obj: Tree) -> str:
    return str(yaml.safe_dump(obj))


def test_a_custom_object_lives_its_life(defined: Kubectl) -> None:
    kubectl = defined
    first = manifest(crontab("mine", replicas=1, color="blue"))
    assert kubectl.apply(first) == f"crontab.{NAME.partition('.')[2]}/mine created\n"
    kubectl.apply(manifest(crontab("mine", replicas=2)))
    got = kubectl.object("ct", "mine")
    assert got["spec"] == {"cronSpec": "* * * * */5", "image": "busybox", "replicas": 2}
    kubectl("scale", "ct/mine", "--replicas=5")
    assert kubectl.object("crontab", "mine")["spec"]["replicas"] == 5
    status = json.dumps({"status": {"replicas": 5, "since": "2020-01-01T00:00:00Z"}})
    kubectl("patch", "ct", "mine", "--subresource=status", "--type=merge", "-p", status)
    lines = kubectl("get", "crontabs").splitlines()
    assert lines[0].split() == ["NAME", "SPEC", "REPLICAS"]
    assert lines[1].split() == ["mine", "*", "*", "*", "*", "*/5", "5"]
    wide = kubectl("get", "all", "-o", "wide").splitlines()
    assert wide[0].split()[-1] == "SINCE"
    kubectl("label", "ct", "mine", "tier=web")
    assert "mine" in kubectl("get", "ct", "-l", "tier=web", "--no-headers")
    kubectl("patch", "ct", "mine", "--type=merge", "-p", '{"spec":{"color":"green"}}')
    assert "mine" in kubectl("get", "ct", "--field-selector", "spec.color=green", "-o", "name")
    assert "replicas: Invalid value: 99" in kubectl.fails("scale", "ct/mine", "--replicas=99")
    kubectl("delete", "ct", "mine")
    assert "not found" in kubectl.fails("get", "ct", "mine")


def test_explain_and_api_resources_know_the_kind_at_once(defined: Kubectl) -> None:
    kubectl = defined
    told = kubectl("explain", "crontab.spec", "--recursive")
    assert "What is wanted." in told
    assert "cronSpec\t<string>" in told
    assert "ports\t<[]Object>" in told
    rows = [line.split() for line in kubectl("api-resources", "--no-headers").splitlines()]
    assert ["crontabs", "ct", "stable.example.com/v1", "true", "CronTab"] in rows
    assert "customresourcedefinitions" in kubectl(
        "api-resources", "--api-group=apiextensions.k8s.io"
    )
    crds = kubectl("get", "crds").splitlines()
    assert crds[0].split() == ["NAME", "CREATED", "AT"]
    assert any(line.startswith(NAME) for line in crds)


def test_server_side_apply_and_strict_fields(defined: Kubectl) -> None:
    kubectl = defined
    good = manifest(crontab("mine", ports=[{"port": 80}]))
    kubectl("apply", "--server-side", "-f", "-", stdin=good)
    assert kubectl("diff", "--server-side", "-f", "-", stdin=good) == ""
    odd = manifest(crontab("odd", typo=1))
    assert 'unknown field "spec.typo"' in kubectl.fails("create", "-f", "-", stdin=odd)
    warned = kubectl.run("create", "--validate=warn", "-f", "-", stdin=odd)
    assert warned.code == 0
    assert 'Warning: unknown field "spec.typo"' in warned.err


def test_a_watch_ends_and_the_name_is_unknown_when_the_definition_goes(defined: Kubectl) -> None:
    kubectl = defined
    kubectl.apply(manifest(crontab("mine")))
    with kubectl.start("get", "ct", "--watch", "-o", "name") as watch:
        assert watch.stdout is not None
        limit = threading.Timer(30, watch.kill)
        limit.start()
        assert watch.stdout.readline().endswith("/mine\n")
        kubectl("delete", CRD, "--timeout=30s")
        assert watch.wait(timeout=30) == 0
        limit.cancel()
    # kubectl may still remember that there was such a kind.
    assert re.search(
        "have a resource type|could not find the requested", kubectl.fails("get", "ct")
    )
