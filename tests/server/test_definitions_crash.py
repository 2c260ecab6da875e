"""An API server killed while a definition's objects are deleted goes on when it is back."""

from __future__ import annotations

import time
from pathlib import Path

from strongroom.testing.process import Strongroom
from tests.e2e.wire import Wire
from tests.server.custom import DEFINITIONS, NAME, V1, condition, crontab, full

OBJECTS = 12


def wait(wire: Wire, path: str, status: int) -> None:
    for _ in range(300):
        if wire.send("GET", path).status == status:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} does not become {status}")


def test_kill_during_the_deletion_of_a_definition(tmp_path: Path) -> None:
    room = Strongroom.start(tmp_path, "apiserver")
    try:
        wire = Wire(room.kubeconfig)
        assert wire.send("POST", DEFINITIONS, full()).status == 201
        wait(wire, V1, 200)
        for i in range(OBJECTS):
            obj = crontab(f"o{i}")
            if not i:
                # It keeps the definition until somebody takes the finalizer off.
                obj["metadata"]["finalizers"] = ["example.com/hold"]
            assert wire.send("POST", V1, obj).status == 201
        assert wire.send("DELETE", f"{DEFINITIONS}/{NAME}").status == 200
        room.kill()
        room = Strongroom.start(tmp_path, "apiserver", port=room.port)
        wire = Wire(room.kubeconfig)
        wait(wire, f"{V1}/o{OBJECTS - 1}", 404)
        crd = wire.send("GET", f"{DEFINITIONS}/{NAME}").json
        assert condition(crd, "Terminating")["reason"] == "InstanceDeletionInProgress"
        merge = {"Content-Type": "application/merge-patch+json"}
        free = {"metadata": {"finalizers": None}}
        assert wire.send("PATCH", f"{V1}/o0", free, headers=merge).status == 200
        wait(wire, f"{DEFINITIONS}/{NAME}", 404)
        assert wire.send("POST", DEFINITIONS, full()).status == 201
        wait(wire, V1, 200)
        assert wire.send("GET", V1).json["items"] == []
    finally:
        room.stop()
