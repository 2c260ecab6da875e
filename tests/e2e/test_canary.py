"""A canary value is sent down every path, and then looked for everywhere it must not be.

It may be read by a GET of its Secret and stand in the log of a pod that prints it, through the API;
it may stand nowhere else: no file of the data directory (database, WAL, logs, audit, certificates),
no output, metric, event, status, warning, error or command line of ours.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.conftest import in_namespace, start_up
from tests.e2e.kubectl import Kubectl
from tests.e2e.manifests import MOUNT, manifest, mounted, pod
from tests.e2e.processes import part, processes_of
from tests.e2e.waiting import eventually
from tests.e2e.wire import Answer, Wire

TOKEN = secrets.token_hex(12)
CANARY = f"canary-{TOKEN}"


def in_base64(content: bytes) -> list[bytes]:
    """What of some bytes is seen in base64 whatever stands before and after them."""
    found = []
    for before in range(3):
        whole = base64.b64encode(b"-" * before + content)
        # A character is six bits: those that share one with a neighbour are left out.
        found.append(whole[-(-before * 8 // 6) : (before + len(content)) * 8 // 6])
    return found


def forms_of(token: str) -> list[bytes]:
    """The ways in which a value might be written down; hex digits survive quoting unchanged."""
    plain = token.encode()
    encoded = in_base64(plain)
    twice = [outer for inner in encoded for outer in in_base64(inner)]
    wide = [token.encode("utf-16-le"), token.encode("utf-16-be")]
    return [plain, plain.upper(), plain[::-1], plain.hex().encode(), *wide, *encoded, *twice]


FORMS = forms_of(TOKEN)


def holds(content: bytes) -> bool:
    return any(form in content for form in FORMS)


def files_that_hold_it(directory: Path) -> list[str]:
    """Names of files below a directory in which the canary stands in any form."""
    found = []
    for path in directory.rglob("*"):
        try:
            if path.is_file() and holds(path.read_bytes()):
                found.append(str(path.relative_to(directory)))
        except FileNotFoundError:
            continue  # it was removed while we looked
    return found


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canary")


@pytest.fixture(scope="module")
def aviary(directory: Path) -> Iterator[Strongroom]:
    """A room that logs all it can, with its own directory for temporary files."""
    with pytest.MonkeyPatch.context() as patch:
        (directory / "tmp").mkdir()
        patch.setenv("TMPDIR", str(directory / "tmp"))
        with start_up(directory, "--log-level", "debug") as room:
            yield room


@pytest.fixture(scope="module")
def kubectl(aviary: Strongroom, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    return in_namespace(aviary, tmp_path_factory.mktemp("home"))


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
    ):  # fmt: skip - a list of paths
        assert not holds(wire.send("GET", path).whole()), path


def secret(name: str, **fields: Any) -> dict[str, Any]:
    """A Secret that holds the canary."""
    base = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
    return {**base, "stringData": {"a": CANARY, "b": "plain"}, **fields}


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
