"""The verbs over HTTP: every route of a resource, its answers and its refusals."""

import base64
from typing import Any

import pytest

from tests.server.conftest import SECRETS, Running, secret


async def test_the_life_of_a_secret(api: Running) -> None:
    made = await api.ask("POST", SECRETS, secret("s", a="one"))
    assert (made.code, made.json["type"]) == (201, "Opaque")
    assert made.json["data"] == {"a": base64.b64encode(b"one").decode()}

    got = await api.ask("GET", f"{SECRETS}/s")
    assert got.code == 200
    assert got.json["metadata"]["uid"] == made.json["metadata"]["uid"]

    changed = got.json
    changed["data"]["b"] = base64.b64encode(b"two").decode()
    put = await api.ask("PUT", f"{SECRETS}/s", changed)
    assert put.code == 200
    stale = await api.ask("PUT", f"{SECRETS}/s", changed)
    assert (stale.code, stale.json["reason"]) == (409, "Conflict")

    listed = await api.ask("GET", SECRETS)
    assert listed.json["kind"] == "SecretList"
    assert [item["metadata"]["name"] for item in listed.json["items"]] == ["s"]

    gone = await api.ask("DELETE", f"{SECRETS}/s")
    assert gone.json["status"] == "Success"
    assert gone.json["details"]["kind"] == "secrets"
    missing = await api.ask("GET", f"{SECRETS}/s")
    assert (missing.code, missing.json["message"]) == (404, 'secrets "s" not found')


@pytest.mark.parametrize(
    ("content_type", "patch", "labels"),
    [
        ("application/merge-patch+json", {"metadata": {"labels": {"a": "1"}}}, {"a": "1"}),
        (
            "application/strategic-merge-patch+json",
            {"metadata": {"labels": {"b": "2"}}},
            {"b": "2"},
        ),
        (
            "application/json-patch+json",
            [{"op": "add", "path": "/metadata/labels", "value": {"c": "3"}}],
            {"c": "3"},
        ),
    ],
)
async def test_patches(api: Running, content_type: str, patch: Any, labels: dict[str, str]) -> None:
    await api.ask("POST", SECRETS, secret("s", a="one"))
    headers = {"Content-Type": content_type}
    answer = await api.ask("PATCH", f"{SECRETS}/s", patch, headers=headers)
    assert (answer.code, answer.json["metadata"]["labels"]) == (200, labels)


async def test_pages_selectors_and_collections(api: Running) -> None:
    for number in range(5):
        body = secret(f"s{number}", a="x")
        body["metadata"]["labels"] = {"odd": str(number % 2)}
        assert (await api.ask("POST", SECRETS, body)).code == 201
    first = (await api.ask("GET", f"{SECRETS}?limit=3")).json
    token = first["metadata"]["continue"]
    assert first["metadata"]["remainingItemCount"] == 2
    second = (await api.ask("GET", f"{SECRETS}?limit=3&continue={token}")).json
    assert [i["metadata"]["name"] for i in second["items"]] == ["s3", "s4"]
    odd = (await api.ask("GET", "/api/v1/secrets?labelSelector=odd%3D1")).json
    assert len(odd["items"]) == 2
    one = (await api.ask("GET", f"{SECRETS}?fieldSelector=metadata.name%3Ds2")).json
    assert len(one["items"]) == 1
    deleted = await api.ask("DELETE", f"{SECRETS}?labelSelector=odd%3D1")
    assert (deleted.code, len(deleted.json["items"])) == (200, 2)
    assert len((await api.ask("GET", SECRETS)).json["items"]) == 3


async def test_dry_run_stores_nothing(api: Running) -> None:
    dry = await api.ask("POST", f"{SECRETS}?dryRun=All", secret("s", a="x"))
    assert dry.code == 201
    assert (await api.ask("GET", f"{SECRETS}/s")).code == 404
    await api.ask("POST", SECRETS, secret("s", a="x"))
    assert (await api.ask("DELETE", f"{SECRETS}/s?dryRun=All")).code == 200
    assert (await api.ask("DELETE", f"{SECRETS}/s", {"dryRun": ["All"]})).code == 200
    assert (await api.ask("GET", f"{SECRETS}/s")).code == 200


async def test_shapes(api: Running) -> None:
    await api.ask("POST", SECRETS, secret("s", a="x"))
    table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    listed = (await api.ask("GET", SECRETS, headers=table)).json
    assert [c["name"] for c in listed["columnDefinitions"]] == ["Name", "Type", "Data", "Age"]
    assert listed["rows"][0]["cells"][:3] == ["s", "Opaque", 1]
    assert listed["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    one = (await api.ask("GET", f"{SECRETS}/s", headers=table)).json
    assert (one["kind"], len(one["rows"])) == ("Table", 1)
    partial = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    metadata = (await api.ask("GET", SECRETS, headers=partial)).json
    assert metadata["kind"] == "PartialObjectMetadataList"
    assert "data" not in metadata["items"][0]
    yaml = await api.ask("GET", f"{SECRETS}/s", headers={"Accept": "application/yaml"})
    assert b"kind: Secret" in yaml.body
    pretty = await api.ask("GET", f"{SECRETS}/s?pretty=true")
    assert b'\n  "kind": "Secret"' in pretty.body


async def test_bodies_in_yaml_and_protobuf(api: Running) -> None:
    text = b"apiVersion: v1\nkind: Secret\nmetadata: {name: w}\nstringData: {a: b}\n"
    made = await api.ask("POST", SECRETS, text, headers={"Content-Type": "application/yaml"})
    assert made.code == 201
    # kubectl 1.37's own bytes for `create secret generic x --from-literal=a=b`.
    message = bytes.fromhex(
        "6b3873000a0c0a02763112065365637265"
        "74121d0a110a017812001a0022002a003200380042001206"
        "0a016112016"
        "21a001a002200"
    )
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    made = await api.ask("POST", SECRETS, message, headers=headers)
    assert (made.code, made.json["metadata"]["name"]) == (201, "x")
    assert made.json["data"] == {"a": "Yg=="}


async def test_field_validation(api: Running) -> None:
    body = secret("s", a="x") | {"bogus": 1}
    strict = await api.ask("POST", f"{SECRETS}?fieldValidation=Strict", body)
    assert strict.code == 400
    assert 'strict decoding error: unknown field "bogus"' in strict.json["message"]
    warned = await api.ask("POST", SECRETS, body)
    assert warned.code == 201
    assert warned.headers["Warning"] == '299 - "unknown field \\"bogus\\""'
    ignored = await api.ask("PUT", f"{SECRETS}/s?fieldValidation=Ignore", body)
    assert ignored.code == 200
    assert "Warning" not in ignored.headers


async def test_large_lists_are_compressed_for_those_who_take_it(api: Running) -> None:
    await api.ask("POST", SECRETS, secret("s", a="x" * 200_000))
    packed = await api.ask("GET", SECRETS, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    plain = await api.ask("GET", SECRETS, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert len(packed.body) < len(plain.body) / 10


async def test_namespaces(api: Running) -> None:
    listed = (await api.ask("GET", "/api/v1/namespaces")).json
    names = [item["metadata"]["name"] for item in listed["items"]]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
    missing = await api.ask("POST", "/api/v1/namespaces/none/secrets", secret("s"))
    assert (missing.code, missing.json["message"]) == (404, 'namespaces "none" not found')
    immortal = await api.ask("DELETE", "/api/v1/namespaces/default")
    assert immortal.code == 403
    made = await api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "mine"}})
    assert made.code == 201
    inside = await api.ask("POST", "/api/v1/namespaces/mine/secrets", secret("s"))
    assert inside.code == 201
    dying = await api.ask("DELETE", "/api/v1/namespaces/mine")
    assert dying.json["status"]["phase"] == "Terminating"
    late = await api.ask("POST", "/api/v1/namespaces/mine/secrets", secret("t"))
    assert late.json["details"]["causes"][0]["reason"] == "NamespaceTerminating"


async def test_binding_and_status(api: Running) -> None:
    pods = "/api/v1/namespaces/default/pods"
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    assert (await api.ask("POST", pods, pod)).code == 201
    binding = {"kind": "Binding", "target": {"kind": "Node", "name": "n1"}}
    bound = await api.ask("POST", f"{pods}/p/binding", binding)
    assert (bound.code, bound.json["status"]) == (201, "Success")
    assert (await api.ask("GET", f"{pods}/p")).json["spec"]["nodeName"] == "n1"
    patch = {"status": {"phase": "Running"}}
    headers = {"Content-Type": "application/merge-patch+json"}
    status = await api.ask("PATCH", f"{pods}/p/status", patch, headers=headers, identity="node")
    assert status.json["status"]["phase"] == "Running"
