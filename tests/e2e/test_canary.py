"""A canary value is sent down every path, and then looked for everywhere it must not be.

It may be read by a GET of its Secret and stand in the log of a pod that prints it, through the API;
it may stand nowhere else: no file of the data directory (database, WAL, logs, audit, certificates),
no output, metric, event, status, warning, error or command line of ours.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.canary import CANARY, TALKATIVE, TOKEN, files_that_hold_it, forms_of, holds, secret
from tests.e2e.conftest import in_namespace, start_up
from tests.e2e.kubectl import Kubectl
from tests.e2e.manifests import MOUNT, manifest, mounted, pod
from tests.e2e.processes import part, processes_of
from tests.e2e.wire import Answer, Wire
from tests.waiting import eventually


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canary")


@pytest.fixture(scope="module")
def aviary(directory: Path) -> Iterator[Strongroom]:
    """A room that logs and audits all it can, with its own directory for temporary files."""
    policy = directory / "policy.json"
    policy.write_text(json.dumps(TALKATIVE))
    with pytest.MonkeyPatch.context() as patch:
        (directory / "tmp").mkdir()
        patch.setenv("TMPDIR", str(directory / "tmp"))
        talk = ("--log-level", "debug", "--audit-policy-file", str(policy))
        with start_up(directory, *talk) as room:
            yield room


@pytest.fixture(scope="module")
def kubectl(aviary: Strongroom, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    return in_namespace(aviary, tmp_path_factory.mktemp("home"), pods=True)


@pytest.fixture(scope="module")
def wire(aviary: Strongroom) -> Wire:
    return Wire(aviary.kubeconfig)


@pytest.fixture(scope="module")
def home(kubectl: Kubectl) -> str:
    return f"/api/v1/namespaces/{kubectl.namespace}/secrets"


@pytest.fixture(autouse=True)
def written_nowhere(aviary: Strongroom, directory: Path, wire: Wire) -> Iterator[None]:
    """After each test: the canary is in no file, no command line, and nothing that is listed."""
    yield
    assert files_that_hold_it(directory) == []
    assert not [p.pid for p in processes_of(directory) if holds(p.command)]
    for path in (
        "/metrics",
        "/readyz?verbose",
        "/api/v1/events",
        "/api/v1/pods",
        "/api/v1/nodes",
        "/api/v1/configmaps",
        "/api/v1/serviceaccounts",
        "/api/v1/namespaces",
        "/apis/coordination.k8s.io/v1/leases",
        "/apis/events.k8s.io/v1/events",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/openapi/v2",
    ):  # fmt: skip - a list of paths
        assert not holds(wire.send("GET", path).whole()), path


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
    rule = {"rule": "self.a.size() < 5", "messageExpression": "'not ' + self.a"}
    text = {"type": "string", "maxLength": 100}
    schema = {"type": "object", "properties": {"a": text}, "x-kubernetes-validations": [rule]}
    both = {"type": "object", "properties": {"spec": schema, "n": {"type": "integer"}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": both}}
    names = {"plural": "birds", "singular": "bird", "kind": "Bird", "listKind": "BirdList"}
    spec = {"group": "canary.test", "scope": "Namespaced", "names": names, "versions": [version]}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "birds.canary.test"},
        "spec": spec,
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert wire.send("POST", definitions, definition).status == 201
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
    rule["rule"] = "self.a.size() < 500"
    answer = wire.send("PATCH", f"{definitions}/birds.canary.test", {"spec": spec}, MERGE)
    assert answer.status == 200
    good = {**base, "spec": {"a": CANARY}}
    eventually(lambda: wire.send("POST", birds, good).status in (201, 409))
    assert holds(wire.send("GET", birds).body)


ADMISSION = "/apis/admissionregistration.k8s.io/v1"


def test_a_policy_that_quotes_it(wire: Wire, home: str) -> None:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"]}
    checks = [
        {
            "expression": "object.metadata.name != 'said'",
            "messageExpression": "string(object.data.a)",
        },
        {"expression": "object.metadata.name != 'error' || int(object.data.a) > 0"},
        {"expression": "object.metadata.name != 'key' || object.data[object.data.a] == 'b'"},
    ]
    constraints = {"resourceRules": [{**rule, "resources": ["secrets"]}]}
    policy = {"matchConstraints": constraints, "validations": checks}
    assert make(wire, "validatingadmissionpolicies", "ValidatingAdmissionPolicy", spec=policy)
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
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["secrets"]}
    server = f"https://{wire.host}:{wire.port}/nobody"
    for n, (url, policy) in enumerate(
        [("https://127.0.0.1:1/x", "Fail"), (server, "Fail"), (server, "Ignore")]
    ):
        hook = {
            "name": "hook.canary.test",
            "clientConfig": {"url": url},
            "rules": [rule],
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


def env(name: str, key: str = "a") -> list[dict[str, Any]]:
    """A container's environment with the canary in it."""
    return [{"name": "CANARY", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}]


def test_a_pod_that_uses_it(kubectl: Kubectl) -> None:
    kubectl.apply(json.dumps(secret("used")))
    script = f'test "$CANARY" = "$(cat /etc/s/a)" && echo same {TOKEN[:4]}; sleep 1000'
    source = [{"secretRef": {"name": "used"}, "prefix": "ALL_"}]
    text = pod(
        "used", script, spec=mounted("used"), volumeMounts=MOUNT, env=env("used"), envFrom=source
    )  # fmt: skip - the container's fields in a row
    kubectl.apply(text)
    eventually(lambda: kubectl.run("logs", "used").out.startswith("same"))
    kubectl("patch", "secret", "used", "-p", json.dumps({"stringData": {"a": CANARY + "-new"}}))
    assert not holds(kubectl("describe", "pod", "used").encode())


def test_a_pod_that_prints_it(kubectl: Kubectl, directory: Path) -> None:
    kubectl.apply(json.dumps(secret("printed")))
    kubectl.apply(pod("printed", "echo $CANARY", env=env("printed")))
    kubectl("wait", "pod/printed", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert kubectl("logs", "printed") == CANARY + "\n"
    # Its log is the pod's own; what is on disk of it goes with the pod.
    kubectl("delete", "pod", "printed")
    eventually(lambda: files_that_hold_it(directory) == [])


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("command", {"command": ["$(CANARY)"]}),
        ("directory", {"workingDir": "/none/$(CANARY)", "command": ["$(CANARY)/x", "$(CANARY)"]}),
        ("hook", {"lifecycle": {"postStart": {"exec": {"command": ["$(CANARY)"]}}}}),
        ("subpath", {"volumeMounts": [{**MOUNT[0], "subPathExpr": "$(CANARY)/x"}]}),
    ],
)
def test_a_pod_that_fails_with_it(kubectl: Kubectl, name: str, container: dict[str, Any]) -> None:
    kubectl.apply(json.dumps(secret("fails")))
    kubectl.apply(pod(name, "exit 3", spec=mounted("fails"), **{"env": env("fails"), **container}))

    def ended_or_stuck() -> bool:
        status = kubectl.object("pod", name)["status"]
        state = status.get("containerStatuses", [{}])[0].get("state", {})
        waiting = state.get("waiting", {}).get("reason", "")
        return "terminated" in state or waiting.endswith("Error")

    eventually(ended_or_stuck)
    assert not holds(kubectl("describe", "pod", name).encode())
    assert not holds(kubectl("get", "events", "-o", "yaml").encode())
    kubectl("delete", "pod", name, "--grace-period=0", "--force")


def test_a_value_that_no_environment_can_hold(kubectl: Kubectl) -> None:
    kubectl.apply(json.dumps(secret("nul", stringData={"a": f"{CANARY}\x00{CANARY}"})))
    kubectl.apply(pod("nul", "exit 0", env=env("nul")))
    eventually(lambda: "nul" in kubectl("get", "events", "-o", "name"))
    assert not holds(kubectl("get", "events", "-o", "yaml").encode())
    kubectl("delete", "pod", "nul", "--grace-period=0", "--force")


def test_a_namespace_that_goes_with_it(aviary: Strongroom, kubectl: Kubectl) -> None:
    doomed = in_namespace(aviary, kubectl.directory)
    doomed.apply(json.dumps(secret("s")))
    doomed.apply(manifest("ConfigMap", "c", data={"a": "plain"}))
    doomed("delete", "namespace", doomed.namespace, "--timeout=60s")


@pytest.mark.parametrize("signum", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_leaves_nothing(
    aviary: Strongroom, directory: Path, wire: Wire, home: str, signum: signal.Signals
) -> None:
    name = signum.name.lower()
    assert wire.send("POST", home, secret(name)).status == 201
    before = part(aviary, "apiserver")
    os.kill(before["pid"], signum)
    # A core dump would hold the key and every value that was in memory.
    assert files_that_hold_it(directory) == []
    eventually(lambda: part(aviary, "apiserver")["restarts"] > before["restarts"])

    def back() -> bool:
        try:
            return holds(wire.send("GET", f"{home}/{name}").body)
        except OSError:
            return False

    eventually(back)


def test_nothing_was_said_at_the_end(directory: Path, tmp_path: Path) -> None:
    with start_up(tmp_path, "--log-format", "json", "--log-level", "debug") as room:
        kubectl = in_namespace(room, tmp_path)
        kubectl.apply(json.dumps(secret("s")))
        assert room.process.stdout is not None
        room.process.send_signal(signal.SIGTERM)
        with room.process.stdout as stdout:
            assert not holds(stdout.read().encode())
        assert room.process.wait(timeout=60) == 0
    assert files_that_hold_it(tmp_path) == []
