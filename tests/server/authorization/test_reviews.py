"""Questions about access, and their answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.authorization.conftest import Cluster, can, to

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROUP = "/apis/authorization.k8s.io/v1"
REVIEWS = f"{GROUP}/subjectaccessreviews"
LOCAL = f"{GROUP}/namespaces/default/localsubjectaccessreviews"
SELF = f"{GROUP}/selfsubjectaccessreviews"
RULES = f"{GROUP}/selfsubjectrulesreviews"


def about(verb: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"resourceAttributes": {"verb": verb, "resource": resource} | more}


async def test_may_somebody(cluster: Cluster) -> None:
    await cluster.make("roles", "default", "reads", rules=[can("get", "secrets")])
    await cluster.make("rolebindings", "default", "ann", **to("ann", "reads", "Role"))
    asked = about("get", "secrets", namespace="default", name="x") | {"user": "ann"}
    answer = await cluster.ask("", "POST", REVIEWS, {"spec": asked})
    assert answer.code == 201
    assert answer.json["status"] == {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "ann/default" of Role "reads" to User "ann"',
    }
    assert answer.json["spec"] == asked
    elsewhere = about("get", "secrets", namespace="kube-system") | {"user": "ann"}
    answer = await cluster.ask("", "POST", REVIEWS, {"spec": elsewhere})
    assert answer.json["status"] == {"allowed": False}
    path = {"nonResourceAttributes": {"verb": "get", "path": "/api"}}
    member = path | {"user": "x", "groups": ["system:authenticated"]}
    assert (await cluster.ask("", "POST", REVIEWS, {"spec": member})).json["status"]["allowed"]
    # Who may not ask about others is told so.
    assert (await cluster.ask("ann", "POST", REVIEWS, {"spec": asked})).code == 403


async def test_may_somebody_here(cluster: Cluster) -> None:
    await cluster.grant("bea", "system:aggregate-to-admin", "default")
    asked = about("get", "pods", namespace="default") | {"user": "joe"}
    answer = await cluster.ask("bea", "POST", LOCAL, {"spec": asked})
    assert (answer.code, answer.json["status"]) == (201, {"allowed": False})
    other = about("get", "pods", namespace="kube-system") | {"user": "joe"}
    refused = await cluster.ask("bea", "POST", LOCAL, {"spec": other})
    assert refused.code == 422
    assert refused.json["message"] == (
        'LocalSubjectAccessReview.authorization.k8s.io "" is invalid: '
        'spec.resourceAttributes.namespace: Invalid value: "kube-system": '
        "must match metadata.namespace"
    )


@pytest.mark.parametrize(
    ("path", "body", "finding"),
    [
        (
            REVIEWS,
            {"spec": {"user": "x"}},
            (
                "spec.resourceAttributes: Invalid value: null: exactly one of "
                "nonResourceAttributes or resourceAttributes must be specified"
            ),
        ),
        (
            REVIEWS,
            {"spec": about("get", "pods")},
            'spec.user: Invalid value: "": at least one of user or group must be specified',
        ),
        (
            SELF,
            {"spec": about("get", "pods") | {"nonResourceAttributes": {"path": "/x"}}},
            (
                'spec.nonResourceAttributes: Invalid value: {"path":"/x"}: '
                "cannot be specified in combination with resourceAttributes"
            ),
        ),
        (
            LOCAL,
            {"spec": {"user": "x", "nonResourceAttributes": {"path": "/x"}}},
            (
                'spec.nonResourceAttributes: Invalid value: {"path":"/x"}: '
                "disallowed on this kind of request"
            ),
        ),
        (
            SELF,
            {"metadata": {"name": "n"}, "spec": about("get", "pods")},
            "must be empty",
        ),
    ],
)
async def test_a_question_that_is_none(
    cluster: Cluster, path: str, body: dict[str, Any], finding: str
) -> None:
    refused = await cluster.ask("", "POST", path, body)
    assert refused.code == 422
    assert refused.json["message"].endswith(finding)


async def test_may_i(cluster: Cluster) -> None:
    asked = {"spec": about("list", "nodes")}
    assert (await cluster.ask("", "POST", SELF, asked)).json["status"]["allowed"]
    assert (await cluster.ask("cyd", "POST", SELF, asked)).json["status"] == {"allowed": False}


async def test_selectors_count_and_bad_ones_are_told(cluster: Cluster) -> None:
    """A node may list the pods that are bound to it, and no others."""
    node = {"user": "system:node:n1", "groups": ["system:nodes"]}

    async def status(selector: dict[str, Any]) -> Any:
        asked = about("list", "pods", fieldSelector=selector)
        return (await cluster.ask("", "POST", REVIEWS, {"spec": asked | node})).json["status"]

    assert (await status({"rawSelector": "spec.nodeName=n1"}))["allowed"]
    one = {"key": "spec.nodeName", "operator": "In", "values": ["n1"]}
    assert (await status({"requirements": [one]}))["allowed"]
    odd = await status({"requirements": [one, {"key": "x", "operator": "Exists"}]})
    assert odd["allowed"]
    assert odd["evaluationError"] == (
        "spec.resourceAttributes.fieldSelector partially ignored due to parse error"
    )
    none = await status({"rawSelector": "no selector at all"})
    assert none == {
        "allowed": False,
        "reason": "node: can only list/watch pods with spec.nodeName field selector",
        "evaluationError": ("spec.resourceAttributes.fieldSelector ignored due to parse error"),
    }
    labels = {"rawSelector": "a in (b"}
    asked = about("list", "pods", labelSelector=labels) | {"user": "x"}
    answer = (await cluster.ask("", "POST", REVIEWS, {"spec": asked})).json["status"]
    assert answer["evaluationError"] == (
        "spec.resourceAttributes.labelSelector ignored due to parse error"
    )


async def test_what_may_i(cluster: Cluster) -> None:
    await cluster.make("roles", "default", "two", rules=[can("get", "secrets pods")])
    await cluster.make("rolebindings", "default", "dan", **to("dan", "two", "Role"))
    await cluster.make("rolebindings", "default", "dan-2", **to("dan", "none", "Role"))
    asked = {"spec": {"namespace": "default"}}
    status = (await cluster.ask("dan", "POST", RULES, asked)).json["status"]
    mine = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets", "pods"]}
    assert mine in status["resourceRules"]
    assert any("/api/*" in rule["nonResourceURLs"] for rule in status["nonResourceRules"])
    assert status["incomplete"] is False
    assert status["evaluationError"] == 'role.rbac.authorization.k8s.io "none" not found'
    elsewhere = await cluster.ask("dan", "POST", RULES, {"spec": {"namespace": "kube-system"}})
    assert mine not in elsewhere.json["status"]["resourceRules"]
    assert (await cluster.ask("dan", "POST", RULES, {"spec": {}})).code == 400
    node = await cluster.ask("system:node:n1", "POST", RULES, asked, "system:nodes")
    assert node.json["status"]["incomplete"] is True
