"""`strongroom status` in the situations that need no server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import unstyle
from click.testing import CliRunner

from strongroom.cli.inspection import inspect
from strongroom.cli.main import main
from strongroom.cli.status import render, subject
from strongroom.paths import default_data_dir

NOBODY = 2**22 + 1
"""A process id above the highest that Linux gives away."""


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A data directory, with a space, that was started once."""
    path = tmp_path / "my room"
    (path / "run").mkdir(parents=True)
    (path / "installation-id").write_text("id")
    return path


@pytest.fixture
def process() -> Iterator[int]:
    """A process with the look of one of ours."""
    code = "import time; print('here', flush=True); time.sleep(60)"
    argv = [sys.executable, "-c", code, "strongroom"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as running:
        # Its arguments can be read from when it runs, which is after Popen returns.
        assert running.stdout is not None
        running.stdout.readline()
        yield running.pid
        running.kill()


def write_state(room: Path, pid: int) -> None:
    part = {"name": "apiserver", "pid": NOBODY, "restarts": 2, "log": "the.log"}
    kubeconfig = str(room / "elsewhere.kubeconfig")
    state = {"pid": pid, "started": "then", "kubeconfig": kubeconfig, "parts": [part]}
    (room / "run" / "up.json").write_text(json.dumps(state))


def told(room: Path) -> str:
    return unstyle(render(inspect(room, None)))


def test_never_started(tmp_path: Path) -> None:
    assert f"nothing was ever started in {tmp_path}" in told(tmp_path)
    assert f"Start it:  strongroom up --data-dir {tmp_path}\n" in told(tmp_path)


@pytest.mark.parametrize("made", ["installation-id", "pki/ca.crt"])
def test_stopped(room: Path, made: str) -> None:
    (room / "installation-id").unlink()
    (room / made).parent.mkdir(exist_ok=True)
    (room / made).touch()
    assert "server  -    stopped\n" in told(room)
    assert f"Start it:  strongroom up --data-dir '{room}'\n" in told(room)


def test_a_stopped_server_of_an_etcd_is_started_with_it_again(room: Path) -> None:
    store = "etcd:https://10.0.0.1:2379,https://10.0.0.2:2379"
    (room / "run" / "apiserver.json").write_text(json.dumps({"pid": NOBODY, "store": store}))
    assert f"up --data-dir '{room}' --store {store}, and its other options as before" in told(room)


@pytest.mark.parametrize("pid", [NOBODY, 1])
def test_a_killed_up_left_its_state_and_its_number_may_be_anothers(room: Path, pid: int) -> None:
    write_state(room, pid)
    text = told(room)
    assert "stopped" in text
    assert "apiserver  not running, restarted 2 times, log the.log\n" in text


def test_up_runs_without_its_server(room: Path, process: int) -> None:
    write_state(room, process)
    text = told(room)
    assert f"strongroom up (pid {process}) starts again what ends" in text
    assert f"tail '{room}/logs/apiserver.log'" in text
    assert "Start it" not in text


def test_the_workers_of_a_server_that_has_several(room: Path, process: int) -> None:
    workers = [
        {"pid": process, "ready": True},
        {"pid": process, "ready": False},
        {"pid": NOBODY, "ready": True},
    ]
    facts = {"pid": process, "workers": workers, "workerRestarts": 1}
    (room / "run" / "apiserver.json").write_text(json.dumps(facts))
    assert f"workers  1 serving (pid {process}), restarted once\n" in told(room)
    facts["workers"] = workers[1:]
    (room / "run" / "apiserver.json").write_text(json.dumps(facts))
    assert "workers  none serving, restarted once\n" in told(room)


@pytest.mark.parametrize(
    ("encryption", "line"),
    [
        ({"provider": "kms v2", "keyID": "local:1", "source": "file:/k"}, "kms v2, key local:1 in"),
        ({"provider": "EncryptionConfiguration", "file": "/e.yaml"}, "Configuration /e.yaml"),
        ({"provider": "of another version"}, "encryption  of another version"),
    ],
)
def test_what_encrypts(room: Path, process: int, encryption: dict[str, str], line: str) -> None:
    facts = {"pid": process, "encryption": encryption}
    (room / "run" / "apiserver.json").write_text(json.dumps(facts))
    assert line in told(room)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_of_somebody_else(room: Path) -> None:
    (room / "run").chmod(0)
    assert "cannot read" in told(room)


def test_no_directory_at_all(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert f"cannot read {tmp_path}/file/run/up.json: Not a directory" in told(tmp_path / "file")


def test_a_server_that_refuses(room: Path, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
                "contexts": [{"name": "c", "context": {"cluster": "c"}}],
                "current-context": "c",
            }
        )
    )
    text = unstyle(render(inspect(None, str(kubeconfig))))
    assert "https://127.0.0.1:1    not answering (GET /version: connection refused)" in text
    assert "Start it" not in text
    assert 'context "other" does not exist' in render(inspect(None, str(kubeconfig), "other"))


def test_what_is_asked_about(room: Path, tmp_path: Path) -> None:
    inside, outside = str(room / "admin.kubeconfig"), str(tmp_path / "config")
    assert subject(None, None, "") == (default_data_dir().absolute(), None)
    assert subject(None, None, inside) == (room, None)
    assert subject(None, None, f"{inside}:{outside}") == (room, None)
    assert subject(None, None, outside) == (None, None)
    assert subject(None, inside, outside) == (room, inside)
    assert subject(None, outside, inside) == (None, outside)
    assert subject(tmp_path, None, inside) == (tmp_path, None)


def test_the_exit_code_and_no_colours_but_on_a_terminal(room: Path) -> None:
    result = CliRunner().invoke(main, ["status", "--data-dir", str(room)])
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    result = CliRunner().invoke(main, ["status", "--data-dir", str(room)], color=True)
    assert "\x1b[31mstopped" in result.output
    told = CliRunner(env={"NO_COLOR": "1"})
    result = told.invoke(main, ["status", "--data-dir", str(room)], color=True)
    assert "\x1b" not in result.output
