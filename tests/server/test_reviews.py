"""Kinds that are questions, over HTTP."""

from __future__ import annotations

from tests.server.conftest import Running

AUTHENTICATION = "/apis/authentication.k8s.io/v1"
WHO = f"{AUTHENTICATION}/selfsubjectreviews"


async def test_questions_are_answered_and_cannot_be_read(api: Running) -> None:
    answer = await api.ask("POST", WHO, {}, identity="scheduler")
    assert answer.code == 201
    told = answer.json
    assert (told["kind"], told["apiVersion"]) == ("SelfSubjectReview", "authentication.k8s.io/v1")
    info = told["status"]["userInfo"]
    assert info["username"] == "system:kube-scheduler"
    assert info["groups"] == ["system:authenticated"]
    assert info["extra"]["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256=")
    assert "creationTimestamp" in told["metadata"]

    dry = await api.ask("POST", f"{WHO}?dryRun=All", {})
    assert dry.json["status"]["userInfo"]["groups"] == ["system:masters", "system:authenticated"]
    wrong = await api.ask("POST", WHO, {"kind": "TokenReview"})
    assert wrong.code == 400
    for method, path, code in (("GET", WHO, 405), ("DELETE", WHO, 405), ("GET", f"{WHO}/x", 404)):
        assert (await api.ask(method, path)).code == code, method

    listed = (await api.ask("GET", AUTHENTICATION)).json["resources"]
    found = next(r for r in listed if r["kind"] == "SelfSubjectReview")
    assert (found["verbs"], found["namespaced"]) == (["create"], False)
    assert "storageVersionHash" not in found
    paths = (await api.ask("GET", f"/openapi/v3{AUTHENTICATION}")).json["paths"]
    assert [set(paths[p]) - {"parameters"} for p in paths if p.startswith(WHO)] == [{"post"}]
