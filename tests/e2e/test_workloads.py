"""Kinds that make pods, as the real kubectl uses them (no controller of ours drives them)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.kubectl import Kubectl

_MANIFEST = str(Path(__file__).with_name("workloads.yaml"))
_NAMES = (
    "deployment.apps/web",
    "replicaset.apps/set",
    "statefulset.apps/db",
    "daemonset.apps/agent",
    "controllerrevision.apps/agent-1",
    "job.batch/once",
    "cronjob.batch/nightly",
    "poddisruptionbudget.policy/web",
    "podtemplate/plain",
    "replicationcontroller/old",
)


@pytest.fixture
def work(kubectl: Kubectl) -> Kubectl:
    """kubectl in a namespace where one object of each kind has been applied."""
    out = kubectl("apply", "-f", _MANIFEST)
    assert out == "".join(f"{name} created\n" for name in _NAMES)
    return kubectl


def test_all_are_listed_and_deleted(work: Kubectl) -> None:
    listed = work("get", "all", "--no-headers", "-o", "name")
    mine = {"job.batch/once", "deployment.apps/web", "replicationcontroller/old"}
    assert mine <= set(listed.split())
    assert work("get", "deploy", "--no-headers").split()[:4] == ["web", "0/2", "0", "0"]
    wide = work("get", "sts", "db", "-o", "wide", "--no-headers").split()
    assert wide[:2] + wide[3:] == ["db", "0/1", "main", "busybox:1.37"]
    work("delete", "-f", _MANIFEST)
    assert work("get", "all,pdb,podtemplates,controllerrevisions", "-o", "name") == ""


def test_applying_on_the_server_after_applying_at_the_client(work: Kubectl) -> None:
    done = work.run("apply", "--server-side", "--force-conflicts", "-f", _MANIFEST)
    assert (done.code, done.err) == (0, "")
    assert done.out == "".join(f"{name} serverside-applied\n" for name in _NAMES)


def test_scaling(work: Kubectl) -> None:
    names = ("deploy/web", "rs/set", "sts/db", "rc/old")
    assert work("scale", *names, "--replicas=5").count(" scaled\n") == 4
    for name in names:
        assert work("get", name, "-o", "jsonpath={.spec.replicas}") == "5"
    assert "was 5" in work.fails("scale", "deploy/web", "--replicas=3", "--current-replicas=4")
    part = ("patch", "deploy", "web", "--subresource=scale", "--type=merge", "-p")
    assert work(*part, '{"spec":{"replicas":7}}') == "scale.autoscaling/web patched\n"
    assert work.fails(*part, '{"spec":{"replicas":-1}}') == (
        'The Scale "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or '
        "equal to 0\n"
    )
    shown = work("get", "deploy", "web", "--subresource=scale")
    assert [line.split()[:3] for line in shown.splitlines()] == [
        ["NAME", "DESIRED", "AVAILABLE"],
        ["web", "7", "0"],
    ]


def test_rolling_out_and_describing(work: Kubectl) -> None:
    work("set", "image", "deploy/web", "main=busybox:2")
    work("rollout", "pause", "deploy/web")
    described = work("describe", "deploy", "web")
    assert "Replicas:               2 desired | 0 updated" in described
    assert "Image:      busybox:2" in described
    work("create", "job", "manual", "--from=cronjob/nightly")
    assert "Controlled By:" in work("describe", "job", "manual")


def test_explaining(kubectl: Kubectl) -> None:
    explained = kubectl("explain", "deployment.spec", "--recursive")
    assert "template\t<PodTemplateSpec> -required-" in explained
    assert "imagePullPolicy\t<string>" in explained
    refused = kubectl.fails("create", "cronjob", "c", "--image=y", "--schedule=61 * * * *")
    assert "end of range (61) above maximum (59): 61" in refused


def test_scale_is_published_as_the_kind_that_it_is(kubectl: Kubectl) -> None:
    listed = json.loads(kubectl("get", "--raw", "/apis/apps/v1"))["resources"]
    (part,) = [r for r in listed if r["name"] == "deployments/scale"]
    assert (part["group"], part["version"], part["kind"]) == ("autoscaling", "v1", "Scale")
    described = json.loads(kubectl("get", "--raw", "/openapi/v3/apis/apps/v1"))
    path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"
    answer = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    name = "io.k8s.api.autoscaling.v1.Scale"
    assert answer["schema"] == {"$ref": f"#/components/schemas/{name}"}
    schemas = described["components"]["schemas"]
    assert name in schemas
    assert f"{name}List" not in schemas
