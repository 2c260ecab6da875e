"""`strongroom up` and `status`: start, restarts, ends, and continuing."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from strongroom.testing.process import StartFailed, Strongroom
from tests.e2e.conftest import in_namespace, start_up
from tests.e2e.kubectl import Done, Kubectl
from tests.e2e.manifests import pod
from tests.e2e.processes import kill_part, none_left, part, processes_of, state
from tests.waiting import eventually


def strongroom(*arguments: str) -> Done:
    """A call of the command that ends by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "strongroom", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """A room whose parts may be killed."""
    with start_up(tmp_path_factory.mktemp("own")) as room:
        yield room


@pytest.fixture
def pods_of_own(own: Strongroom, tmp_path: Path) -> Kubectl:
    return in_namespace(own, tmp_path, pods=True)


def finishes(kubectl: Kubectl, name: str) -> None:
    """A pod is scheduled, run to its end, and its log read."""
    kubectl.apply(pod(name, "echo done"))
    kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert kubectl("logs", name) == "done\n"


def serves(kubectl: Kubectl) -> bool:
    return kubectl.run("get", "--raw", "/readyz").out == "ok"


def test_the_ready_line_names_a_port_and_a_private_kubeconfig(own: Strongroom) -> None:
    assert re.fullmatch(r"https://127\.0\.0\.1:\d+", own.url)
    assert own.kubeconfig.name == "admin.kubeconfig"
    assert stat.S_IMODE(own.kubeconfig.stat().st_mode) == 0o600


def test_everything_in_the_data_directory_is_the_owners_alone(own: Strongroom) -> None:
    data = own.kubeconfig.parent
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    names = {path.name for path in data.iterdir()}
    assert names >= {"store", "pki", "audit", "logs", "admin.kubeconfig"}
    keys = [path for path in data.rglob("*") if path.suffix in (".key", ".kubeconfig", ".db")]
    assert keys
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in keys)


def test_a_killed_server_comes_back_with_its_data(own: Strongroom, pods_of_own: Kubectl) -> None:
    pods_of_own("create", "secret", "generic", "s", "--from-literal=a=b")
    kill_part(own, "apiserver")
    eventually(lambda: serves(pods_of_own))
    assert pods_of_own.object("secret", "s")["data"] == {"a": "Yg=="}
    finishes(pods_of_own, "after")


def test_killed_controllers_come_back(own: Strongroom, pods_of_own: Kubectl) -> None:
    kill_part(own, "controllers")
    finishes(pods_of_own, "after")


def test_a_killed_node_comes_back_and_runs_pods(own: Strongroom, pods_of_own: Kubectl) -> None:
    pods_of_own.apply(pod("long", "echo up; sleep 1000", spec={"restartPolicy": "Always"}))
    pods_of_own("wait", "pod/long", "--for=condition=Ready", "--timeout=60s")
    kill_part(own, "node")
    finishes(pods_of_own, "after")
    eventually(lambda: pods_of_own.run("logs", "long").out == "up\n", seconds=60)
    pods_of_own("delete", "pod", "long")


def test_status_for_people(own: Strongroom) -> None:
    done = strongroom("status", "--data-dir", str(own.kubeconfig.parent))
    assert done.code == 0
    told = dict(line.split(maxsplit=1) for line in done.out.splitlines() if "  " in line)
    assert re.match(re.escape(own.url) + r"  v1\.37\.0\S+  healthy", told["server"])
    assert set(told) >= {"apiserver", "controllers", "node", "data", "store", "encryption", "pods"}
    assert f"export KUBECONFIG={own.kubeconfig}" in done.out


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_status_for_programs(own: Strongroom, form: str) -> None:
    done = strongroom("status", "--data-dir", str(own.kubeconfig.parent), "-o", form)
    facts = yaml.safe_load(done.out) if form == "yaml" else json.loads(done.out)
    assert (done.code, facts["server"]["healthy"]) == (0, True)
    assert {p["name"]: p["running"] for p in facts["parts"]} == {
        "apiserver": True,
        "controllers": True,
        "node": True,
    }
    assert facts["nodes"][0]["state"] == "Ready"
    assert facts["encryption"]["keyFile"] == str(own.kubeconfig.parents[1] / "encryption.key")


def test_status_of_any_cluster(own: Strongroom) -> None:
    done = strongroom("status", "--kubeconfig", str(own.kubeconfig), "-o", "json")
    assert done.code == 0
    assert json.loads(done.out)["server"]["url"] == own.url


def test_status_where_nothing_runs(tmp_path: Path) -> None:
    done = strongroom("status", "--data-dir", str(tmp_path))
    assert done.code == 1
    assert f"nothing was ever started in {tmp_path}" in done.out


def test_a_second_up_on_the_same_directory_is_refused(own: Strongroom) -> None:
    with pytest.raises(StartFailed, match="strongroom already runs with"):
        Strongroom.start(own.kubeconfig.parents[1], "up")
    assert own.process.poll() is None


def test_a_term_signal_stops_all_and_a_second_start_continues(tmp_path: Path) -> None:
    with start_up(tmp_path) as first:
        kubectl = in_namespace(first, tmp_path, pods=True)
        kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
        kubectl.apply(pod("long", f"trap 'exit 0' TERM; while :; do sleep 0.1; done # {tmp_path}"))
        kubectl("wait", "pod/long", "--for=condition=Ready", "--timeout=60s")
        pki = first.kubeconfig.parent / "pki"
        before = {path.name: path.read_bytes() for path in pki.glob("*ca*")}
        key = (tmp_path / "encryption.key").read_bytes()
        assert first.stop() == 0
    eventually(lambda: none_left(tmp_path))
    assert strongroom("status", "--data-dir", str(tmp_path / "data")).code == 1
    with start_up(tmp_path) as second:
        again = Kubectl(second.kubeconfig, kubectl.namespace, tmp_path)
        assert again.object("secret", "s")["data"] == {"a": "Yg=="}
        assert before
        assert {path.name: path.read_bytes() for path in pki.glob("*ca*")} == before
        assert (tmp_path / "encryption.key").read_bytes() == key


def test_a_killed_up_leaves_no_process(tmp_path: Path) -> None:
    with start_up(tmp_path) as room:
        kubectl = in_namespace(room, tmp_path, pods=True)
        kubectl.apply(pod("long", f"trap '' TERM; while :; do sleep 0.1; done # {tmp_path}"))
        kubectl("wait", "pod/long", "--for=condition=Ready", "--timeout=60s")
        assert len(processes_of(tmp_path)) > len(state(room)["parts"]) + 1
        room.kill()
    eventually(lambda: none_left(tmp_path))


def test_only_the_server(tmp_path: Path) -> None:
    settings = tmp_path / "up.yaml"
    settings.write_text(
        "apiVersion: strongroom.io/v1alpha1\nkind: UpConfiguration\n"
        "node: false\ncontrollers: false\napiserverArgs: [--log-format, json]\n"
    )
    with Strongroom.start(tmp_path, "up", "--config", str(settings)) as room:
        assert [p["name"] for p in state(room)["parts"]] == ["apiserver"]
        log = Path(part(room, "apiserver")["log"]).read_text()
        assert json.loads(log.splitlines()[0])["level"] == "info"
        assert room.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--no-such-option"], "--no-such-option"),
        (["--port", "70000"], "--port"),
        (["--config", "{dir}/absent.yaml"], "absent.yaml: No such file"),
        (["--config", "{dir}/bad.yaml"], 'unknown setting "nodes"'),
        (["--event-ttl", "soon"], "--event-ttl"),
        (["--store", "etcd:https://x"], "--store"),
    ],
)
def test_wrong_usage_exits_with_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "bad.yaml").write_text(
        "apiVersion: strongroom.io/v1alpha1\nkind: UpConfiguration\nnodes: 3\n"
    )
    given = [argument.format(dir=tmp_path) for argument in arguments]
    done = strongroom("up", "--data-dir", str(tmp_path / "data"), *given)
    assert done.code == 2, done
    assert message in done.err


def test_a_port_in_use_is_told(own: Strongroom, tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"(?i)address already in use"):
        Strongroom.start(tmp_path, "apiserver", port=own.port)


def test_a_lost_key_is_never_replaced(tmp_path: Path) -> None:
    with Strongroom.start(tmp_path, "apiserver"):
        pass
    (tmp_path / "encryption.key").unlink()
    with pytest.raises(StartFailed, match="key"):
        Strongroom.start(tmp_path, "apiserver")
    assert not (tmp_path / "encryption.key").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to drop")
def test_where_no_pod_can_run_the_way_without_is_told(tmp_path: Path) -> None:
    up = [sys.executable, "-m", "strongroom", "up", "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(
        [
            "setpriv",
            "--bounding-set=-all",
            "--inh-caps=-all",
            *up,
            "--port",
            "0",
            "--encryption-key-file",
            str(tmp_path / "encryption.key"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip - an option and its value on one line
    assert (done.returncode, done.stdout) == (1, "")
    assert "can't make a private mount namespace" in done.stderr
    assert "strongroom up --no-node" in done.stderr
    assert none_left(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_reads_nothing(own: Strongroom) -> None:
    done = subprocess.run(
        ["find", str(own.kubeconfig.parent), "-name", "*.kubeconfig"],
        user=65534,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        cwd="/",
    )
    assert (done.stdout, done.returncode) == ("", 1)
