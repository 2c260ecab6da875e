"""The canary in requests of every sort, done and refused."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.canary import (
    CANARY,
    QUOTING,
    WRITES,
    birds_definition,
    files_that_hold_it,
    forms_of,
    holds,
    secret,
)
from tests.e2e.kubectl import Kubectl
from tests.e2e.manifests import manifest
from tests.e2e.wire import Answer, Wire
from tests.waiting import eventually


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    stored = json.dumps({"data": {"a": base64.b64encode(CANARY.encode()).decode()}}).encode()
    for n, content in enumerate((CANARY.encode(), stored, base64.b64encode(stored))):
        (tmp_path / str(n)).write_bytes(b"\x00" * n + content + b"\xff")
    assert sorted(files_that_hold_it(tmp_path)) == ["0", "1", "2"]


def test_writes(wire: Wire, home: str, kubectl: Kubectl) -> None:
    assert wire.send("POST", home, secret("w")).status == 201
    assert wire.send("PUT", home + "/w", secret("w", stringData={"c": CANARY})).status == 200
    for type_, patch in (
        ("strategic-merge-patch", {"stringData": {"d": CANARY}}),
        ("merge-patch", {"data": {"d": base64.b64encode(CANARY.encode()).decode()}}),
        ("json-patch", [{"op": "copy", "from": "/data/d", "path": "/data/e"}]),
    ):
        headers = {"Content-Type": f"application/{type_}+json"}
        assert wire.send("PATCH", home + "/w", patch, headers).status == 200
    assert wire.send("POST", home + "?dryRun=All", secret("dry")).status == 201
    kubectl.apply(json.dumps(secret("applied")))
    kubectl.apply(json.dumps(secret("applied", stringData={"a": CANARY + "2"})))
    answer = wire.send("GET", home + "/w")
    assert holds(answer.body), "the one who may read it does"
    assert not any(holds(f"{name}{value}".encode()) for name, value in answer.headers)


def test_shapes_without_values(wire: Wire, home: str) -> None:
    wire.send("POST", home, secret("shape"))
    for shape in ("Table", "PartialObjectMetadataList"):
        accept = {"Accept": f"application/json;as={shape};v=v1;g=meta.k8s.io"}
        table = wire.send("GET", home + "?fieldSelector=metadata.name%3Dshape", headers=accept)
        assert table.status == 200
        assert not holds(table.whole())


def test_history(wire: Wire, home: str) -> None:
    wire.send("POST", home, secret("past"))
    wire.send("PUT", home + "/past", secret("past", stringData={"a": "other"}))
    wire.send("DELETE", home + "/past")
    revisions = home.replace("/api/v1/", "/apis/strongroom.io/v1alpha1/")
    revisions = revisions.removesuffix("secrets") + "secretrevisions"
    chosen = f"{revisions}?fieldSelector=spec.secretName%3Dpast"
    assert holds(wire.send("GET", chosen).body), "the one who may read it does"
    for shape in ("Table", "PartialObjectMetadataList"):
        accept = {"Accept": f"application/json;as={shape};v=v1;g=meta.k8s.io"}
        shown = wire.send("GET", chosen, headers=accept)
        assert (shown.status, holds(shown.whole())) == (200, False)


def refusals(wire: Wire, home: str) -> Iterator[Answer]:
    """Answers to writes that are refused, each for another reason."""
    encoded = base64.b64encode(CANARY.encode()).decode()
    wire.send("POST", home, secret("r", immutable=True))
    yield wire.send("POST", home, secret("r"))
    yield wire.send("PUT", home + "/r", secret("r", stringData={"a": CANARY + "x"}))
    yield wire.send("PUT", home + "/other", secret("r"))
    yield wire.send("POST", home, secret("Bad Name"))
    yield wire.send("POST", home, secret("n", data={"k": CANARY + " no base64"}))
    yield wire.send("POST", home, secret("n", data={"k": encoded[:-1] + "!"}))
    yield wire.send("POST", home, secret("n", stringData={"k": [CANARY]}))
    yield wire.send("POST", home, secret("n", immutable=CANARY))
    yield wire.send("POST", home, secret("n", type="kubernetes.io/dockercfg"))
    for type_, key in (("dockercfg", ".dockercfg"), ("dockerconfigjson", ".dockerconfigjson")):
        body = secret("n", type=f"kubernetes.io/{type_}", stringData={key: "{" + CANARY})
        yield wire.send("POST", home, body)
    yield wire.send("POST", home, secret("n", metadata={"name": "n", "labels": {"a": [CANARY]}}))
    yield wire.send("POST", home, json.dumps(secret("n")).encode()[:-9])
    yield wire.send("POST", home, json.dumps(secret("n")).encode() + b"x")
    yield wire.send("POST", home, f"stringData: {{a: {CANARY}".encode(), YAML)
    yield wire.send("POST", home, f"a: b\nstringData: [{CANARY}]: c".encode(), YAML)
    yield wire.send("POST", home, b"k8s\x00\x0a\x05" + CANARY.encode(), PROTOBUF)
    yield wire.send("POST", home, secret("n", stringData={"a": CANARY * 200_000}))
    yield wire.send("POST", "/api/v1/namespaces/absent/secrets", secret("n"))
    yield wire.send("POST", home, secret("n"), {"Content-Type": "text/plain"})
    yield wire.send("PATCH", home + "/r", f'{{"data":{{"a":"{CANARY}"}}}}'.encode(), MERGE)
    yield wire.send("PATCH", home + "/r", f'{{"data":"{CANARY}"}}'.encode(), STRATEGIC)
    step = {"op": "test", "path": "/data/a", "value": CANARY}
    yield wire.send("PATCH", home + "/r", [step], JSON_PATCH)
    yield wire.send("PATCH", home + "/r", [{**step, "op": CANARY}], JSON_PATCH)


YAML = {"Content-Type": "application/yaml"}
PROTOBUF = {"Content-Type": "application/vnd.kubernetes.protobuf"}
MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def test_refusals(wire: Wire, home: str) -> None:
    for number, answer in enumerate(refusals(wire, home)):
        assert 400 <= answer.status < 500, (number, answer.status)
        assert not holds(answer.whole()), number


def test_warnings(wire: Wire, home: str) -> None:
    pair = {"tls.crt": CANARY, "tls.key": CANARY}
    body = secret("tls", type="kubernetes.io/tls", stringData=pair, unknown=CANARY)
    answer = wire.send("POST", home, body)
    assert answer.status == 201
    assert answer.warnings
    assert not any(holds(text.encode()) for text in answer.warnings)


@pytest.fixture
def nobody(aviary: Strongroom) -> Wire:
    """Whoever has no certificate."""
    wire = Wire(aviary.kubeconfig)
    authority = aviary.kubeconfig.parent / "pki" / "ca.crt"
    wire.context = ssl.create_default_context(cafile=str(authority))
    return wire


def test_what_is_shown_as_a_token(wire: Wire, nobody: Wire, home: str) -> None:
    claims = base64.urlsafe_b64encode(b'{"iss":"kubernetes/serviceaccount"}').decode()
    for shown in (CANARY, f"{CANARY}.{claims}.{CANARY}", f"{CANARY} {CANARY}"):
        answer = nobody.send("GET", home, headers={"Authorization": f"Bearer {shown}"})
        assert (answer.status, holds(answer.whole())) == (401, False)
        review = {"spec": {"token": shown, "audiences": ["a"]}}
        told = wire.send("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
        assert told.status == 201
        assert "invalid bearer token" in told.json["status"]["error"]
        assert not holds(json.dumps(told.json["status"]).encode())


def test_tokens_of_accounts(
    wire: Wire, nobody: Wire, home: str, kubectl: Kubectl, directory: Path
) -> None:
    """A token and its signature stand nowhere: neither a given one, nor one that a Secret keeps."""
    kubectl("create", "serviceaccount", "bird")
    account = {"kubernetes.io/service-account.name": "bird"}
    metadata = {"name": "perch", "annotations": account}
    kept = {"type": "kubernetes.io/service-account-token", "metadata": metadata}
    assert wire.send("POST", home, kept).status == 201
    token = kubectl("create", "token", "bird").strip()
    kubectl("wait", "secret/perch", "--for=jsonpath={.data.token}", "--timeout=60s")
    value = wire.send("GET", home + "/perch").json["data"]["token"]
    for shown in (token, base64.b64decode(value).decode()):
        headers = {"Authorization": f"Bearer {shown}"}
        assert nobody.send("GET", home, headers=headers).status == 403
        damaged = {"Authorization": f"Bearer {shown[:-9]}"}
        assert nobody.send("GET", home, headers=damaged).status == 401
        # A part of the signature: enough to tell it from any other, wherever lines are broken.
        forms = forms_of(shown.rpartition(".")[2][40:72])
        assert files_that_hold_it(directory, forms) == []
        for path in ("/metrics", "/api/v1/events"):
            assert not holds(wire.send("GET", path).whole(), forms)


def test_protobuf(wire: Wire, home: str) -> None:
    wire.send("POST", home, secret("proto"))
    kind = "application/vnd.kubernetes.protobuf"
    whole = wire.send("GET", home + "/proto", headers={"Accept": kind}).body
    assert holds(whole)
    for damaged in (whole[:-20], whole + b"\xff", whole.replace(b"Secret", b"Socket", 1)):
        refused = wire.send("POST", home, damaged, PROTOBUF)
        assert refused.status == 400
        assert not holds(refused.whole())
    accept = {"Accept": f"{kind};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    # Of this Secret alone: others have it in the annotation that kubectl's apply writes.
    told = wire.send("GET", home + "?fieldSelector=metadata.name%3Dproto", headers=accept)
    assert told.status == 200
    assert b"proto" in told.body
    assert not holds(told.whole())


def test_watches(wire: Wire, home: str) -> None:
    wire.send("POST", home, secret("watched"))
    path = f"{home}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dwatched"
    assert holds(wire.send("GET", path).body)
    for shape in ("Table", "PartialObjectMetadata"):
        accept = {"Accept": f"application/json;as={shape};v=v1;g=meta.k8s.io"}
        told = wire.send("GET", path, headers=accept)
        assert b"ADDED" in told.body
        assert not holds(told.whole()), shape


def test_apply_and_its_conflicts(wire: Wire, home: str) -> None:
    headers = {"Content-Type": "application/apply-patch+yaml"}
    answers = []
    for manager, value in (("one", CANARY), ("two", CANARY + "2")):
        data = {"a": base64.b64encode(value.encode()).decode()}
        body = manifest("Secret", "apply", data=data).encode()
        path = f"{home}/apply?fieldManager={manager}"
        answers.append(wire.send("PATCH", path, body, headers))
    assert [answer.status for answer in answers] == [201, 409]
    assert not holds(answers[1].whole())


def test_custom_resources(wire: Wire) -> None:
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert wire.send("POST", definitions, birds_definition(5)).status == 201
    birds = "/apis/canary.test/v1/namespaces/default/birds"
    eventually(lambda: wire.send("GET", birds).status == 200)
    base = {"apiVersion": "canary.test/v1", "kind": "Bird", "metadata": {"name": "b"}}
    for odd in (
        {"spec": {"a": CANARY}},
        {"n": CANARY},
        {"spec": {"a": [CANARY]}},
        {"spec": CANARY},
    ):
        # These are told to the client by their values, as upstream does, and to nobody else.
        assert wire.send("POST", birds, {**base, **odd}).status == 422
    longer = {"spec": birds_definition(500)["spec"]}
    answer = wire.send("PATCH", f"{definitions}/birds.canary.test", longer, MERGE)
    assert answer.status == 200
    good = {**base, "spec": {"a": CANARY}}
    eventually(lambda: wire.send("POST", birds, good).status in (201, 409))
    assert holds(wire.send("GET", birds).body)


ADMISSION = "/apis/admissionregistration.k8s.io/v1"


def test_a_policy_that_quotes_it(wire: Wire, home: str) -> None:
    assert make(wire, "validatingadmissionpolicies", "ValidatingAdmissionPolicy", spec=QUOTING)
    binding = {"policyName": "canary", "validationActions": ["Deny"]}
    kind = "ValidatingAdmissionPolicyBinding"
    assert make(wire, "validatingadmissionpolicybindings", kind, spec=binding)
    for name in ("said", "error", "key"):
        # The client is told what the policy's author wants it to be told; the log is not.
        assert wire.send("POST", home, secret(name)).status == 422, name
    wire.send("DELETE", f"{ADMISSION}/validatingadmissionpolicybindings/canary")


def make(wire: Wire, plural: str, kind: str, **fields: Any) -> bool:
    """Create an object of admission's own, under the name of canary."""
    base = {"apiVersion": ADMISSION.removeprefix("/apis/"), "kind": kind}
    body = {**base, "metadata": {"name": "canary"}, **fields}
    return wire.send("POST", f"{ADMISSION}/{plural}", body).status == 201


def test_a_webhook_that_cannot_be_asked(wire: Wire, home: str, aviary: Strongroom) -> None:
    server = f"https://{wire.host}:{wire.port}/nobody"
    for n, (url, policy) in enumerate(
        [("https://127.0.0.1:1/x", "Fail"), (server, "Fail"), (server, "Ignore")]
    ):
        hook = {
            "name": "hook.canary.test",
            "clientConfig": {"url": url},
            "rules": [{**WRITES, "operations": ["*"]}],
            "failurePolicy": policy,
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "matchConditions": [{"name": "one", "expression": f"request.name == 'hooked-{n}'"}],
        }
        plural, kind = "mutatingwebhookconfigurations", "MutatingWebhookConfiguration"
        assert make(wire, plural, kind, webhooks=[hook])
        code = 500 if policy == "Fail" else 201
        answer = wire.send("POST", home, secret(f"hooked-{n}"))
        assert answer.status == code
        assert code == 201 or not holds(answer.whole())
        wire.send("DELETE", f"{ADMISSION}/{plural}/canary")
