"""SubjectReview, as upstream's end-to-end test asks (``test/e2e/auth/subjectreviews.go``)."""

from __future__ import annotations

from typing import Any

from tests.server.conftest import Running

GROUP = "/apis/authorization.k8s.io/v1"
ACCOUNT = "system:serviceaccount:default:e2e"


async def test_subject_review_should_support_subject_review_api_operations(api: Running) -> None:
    """Asked of an account, and as the account: the answers agree with what it gets."""
    account = {"metadata": {"name": "e2e"}}
    made = await api.ask("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    assert made.code == 201

    what = {"verb": "list", "resource": "configmaps", "namespace": "default", "version": "v1"}
    spec: dict[str, Any] = {"resourceAttributes": what, "user": ACCOUNT}
    review = await api.ask("POST", f"{GROUP}/subjectaccessreviews", {"spec": spec})
    assert review.code == 201
    allowed = review.json["status"]["allowed"]
    listed = await api.ask(
        "GET",
        "/api/v1/namespaces/default/configmaps",
        headers={"Impersonate-User": ACCOUNT},
    )
    assert allowed is (listed.code == 200) is False

    where = f"{GROUP}/namespaces/default/localsubjectaccessreviews"
    local = await api.ask("POST", where, {"metadata": {"namespace": "default"}, "spec": spec})
    assert local.code == 201
    assert local.json["status"]["allowed"] is allowed
