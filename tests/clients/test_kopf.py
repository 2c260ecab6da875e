"""kopf running a real operator in a process of its own, on kinds of its own."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.process import Strongroom
from tests.clients import safes_operator
from tests.clients.safes import DEFINITIONS, peering, safe
from tests.e2e.wire import Wire
from tests.waiting import eventually

# An operator takes seconds of a processor to start, and processors may be busy.
pytestmark = pytest.mark.timeout(300)
soon = partial(eventually, seconds=90)

MERGE = {"Content-Type": "application/merge-patch+json"}
FINALIZER = f"{safes_operator.GROUP}/finalizer"


class Place:
    """Requests about one namespace."""

    def __init__(self, wire: Wire, namespace: str) -> None:
        self.wire, self.namespace = wire, namespace
        self.core = f"/api/v1/namespaces/{namespace}"
        self.safes = f"/apis/{safes_operator.GROUP}/v1/namespaces/{namespace}/safes"
        self.peers = f"/apis/kopf.dev/v1/namespaces/{namespace}/kopfpeerings"

    def make(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.wire.send("POST", path, body)
        assert answer.status == 201, answer.body
        return answer.json

    def get(self, path: str) -> Any:
        answer = self.wire.send("GET", path)
        return answer.json if answer.status == 200 else None

    def change(self, path: str, **body: Any) -> None:
        assert self.wire.send("PATCH", path, body, MERGE).status == 200

    def status(self, name: str) -> dict[str, Any]:
        found = self.get(f"{self.safes}/{name}") or {}
        return dict(found.get("status") or {})

    def reasons(self) -> set[str]:
        """Why each event in the namespace happened."""
        return {event["reason"] for event in self.get(f"{self.core}/events")["items"]}


def _served(wire: Wire, path: str) -> bool:
    return wire.send("GET", path).status == 200


@pytest.fixture(scope="session")
def defined(wire: Wire) -> None:
    """The operator's kind, and those of kopf's peering."""
    base = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for definition in DEFINITIONS:
        assert wire.send("POST", base, definition).status == 201
        spec = definition["spec"]
        path = f"/apis/{spec['group']}/v1/{spec['names']['plural']}"
        soon(partial(_served, wire, path))


@pytest.fixture
def place(wire: Wire, namespace: str, defined: None) -> Place:
    """A fresh namespace, ready for operators."""
    place = Place(wire, namespace)
    place.make(place.peers, peering("default"))
    combination = {"name": "c", "labels": {"combination": "yes"}}
    place.make(
        f"{place.core}/configmaps", {"metadata": combination, "data": {"combination": "4711"}}
    )
    return place


@contextmanager
def operator(
    cluster: Strongroom, namespace: str, log: Path, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`kopf run` of the operator for one namespace; it must end well when told to."""
    argv = [sys.executable, "-m", "kopf", "run", safes_operator.__file__]
    argv += ["--namespace", namespace, *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, env=cluster.environment(), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            code = process.wait(30)
    told = log.read_text()
    assert code == 0, told
    assert "Traceback" not in told, told


def test_an_operator_keeps_its_objects(cluster: Strongroom, place: Place, tmp_path: Path) -> None:
    place.make(place.safes, safe("old", "me", ticking="yes"))
    with operator(cluster, place.namespace, tmp_path / "log"):
        _created(place)
        _changed(place)
        _deleted(place)


def _locked(place: Place, name: str) -> bool:
    return place.status(name).get("phase") == "Locked"


def _created(place: Place) -> None:
    place.make(place.safes, safe("new", "you"))
    for name in ("old", "new"):
        soon(partial(_locked, place, name))
    found = place.get(f"{place.safes}/new")
    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert found["status"]["phase"] == "Locked"
    name = found["status"]["create"]["secret"]
    secret = place.get(f"{place.core}/secrets/{name}")
    assert base64.b64decode(secret["data"]["combination"]) == b"4711"
    assert secret["metadata"]["ownerReferences"][0]["uid"] == found["metadata"]["uid"]
    kept = found["metadata"]["annotations"]["kopf.zalando.org/last-handled-configuration"]
    assert json.loads(kept)["spec"]["owner"] == "you"
    soon(lambda: place.status("old").get("ticks", 0) > 1)


def _changed(place: Place) -> None:
    place.change(f"{place.safes}/new", spec={"owner": "she"})
    soon(lambda: place.status("new").get("sold/spec.owner") == "you to she")
    place.make(place.safes, safe("bad", "nobody"))
    wanted = {"Locked", "Sold", "Guarded", "Logging"}
    soon(lambda: wanted <= place.reasons())
    assert "phase" not in place.status("bad")


def _deleted(place: Place) -> None:
    secret = place.status("new")["create"]["secret"]
    assert place.wire.send("DELETE", f"{place.safes}/new").status == 200
    soon(lambda: place.get(f"{place.safes}/new") is None)
    assert place.get(f"{place.core}/configmaps/gone-new") is not None
    soon(lambda: place.get(f"{place.core}/secrets/{secret}") is None)


def test_an_operator_takes_up_what_was_left_and_gives_way_to_a_greater_one(
    cluster: Strongroom, place: Place, tmp_path: Path
) -> None:
    left = safe("left", "me")
    left["metadata"]["finalizers"] = [FINALIZER]
    place.make(place.safes, left)
    answer = place.wire.send("DELETE", f"{place.safes}/left")
    assert answer.json["metadata"]["deletionTimestamp"]
    assert place.get(f"{place.safes}/left")["metadata"]["finalizers"] == [FINALIZER]
    log = tmp_path / "log"
    with operator(cluster, place.namespace, log, "--priority=1"):
        soon(lambda: place.get(f"{place.safes}/left") is None)
        _give_way(place, log)
    assert place.get(f"{place.peers}/default").get("status", {}) == {}


def _give_way(place: Place, log: Path) -> None:
    peers = f"{place.peers}/default"
    (entry,) = place.get(peers)["status"].values()
    assert (entry["priority"], entry["lifetime"]) == (1, 20)
    greater = {"priority": 100, "lifetime": 600, "lastseen": datetime.now(UTC).isoformat()}
    place.change(peers, status={"greater": greater})
    soon(lambda: "Pausing operations" in log.read_text())
    place.make(place.safes, safe("s", "me"))
    place.change(peers, status={"greater": None})
    soon(partial(_locked, place, "s"))
    assert log.read_text().count("Resuming operations") == 2
