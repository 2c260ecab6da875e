"""The process: its options, its ready line, its exit codes, what it leaves behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.server.options import parse_options
from tests.server.test_process import may_lock

PYTHON = [sys.executable, "-m", "strongroom.server"]


def start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PYTHON, "--data-dir", str(directory / "data"), "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"XDG_CONFIG_HOME": str(directory / "config")},
    )


def test_ready_line_and_clean_end(tmp_path: Path) -> None:
    locked = may_lock()
    process = start(tmp_path, *(["--lock-memory", "always"] if locked else []))
    assert process.stdout is not None
    line = process.stdout.readline()
    word, url, kubeconfig = line.split()
    assert (word, kubeconfig) == ("ready", f"kubeconfig={tmp_path}/data/admin.kubeconfig")
    assert url.startswith("https://127.0.0.1:")
    assert url in (tmp_path / "data" / "admin.kubeconfig").read_text()
    assert "Max core file size        0 " in Path(f"/proc/{process.pid}/limits").read_text()
    status = Path(f"/proc/{process.pid}/status").read_text()
    facts = dict(fact.split(":\t", 1) for fact in status.splitlines())
    assert facts["Umask"] == "0077"
    in_memory, in_locked = (int(facts[name].split()[0]) for name in ("RssAnon", "VmLck"))
    assert in_locked > in_memory if locked else in_locked == 0
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    keys = sorted((tmp_path / "config" / "strongroom" / "keys").iterdir())
    assert ["".join(key.suffixes) for key in keys] == [".audit.head", ".audit.key", ".key"]
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    first = start(tmp_path)
    assert first.stdout is not None
    assert first.stdout.readline().startswith("ready")
    before = (tmp_path / "data" / "admin.kubeconfig").read_bytes()
    second = start(tmp_path, "--bind", "127.0.0.2")
    _, errors = second.communicate(timeout=30)
    assert second.returncode == 1
    assert errors.startswith("strongroom apiserver: ")
    assert (tmp_path / "data" / "admin.kubeconfig").read_bytes() == before
    first.terminate()
    first.communicate(timeout=30)


def test_an_address_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(tmp_path, "--port", str(port))
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors == (
        f"strongroom apiserver: cannot listen on 127.0.0.1 port {port}: Address already in use"
        "; --port 0 takes a free one\n"
    )


def test_a_lost_key_is_an_error_and_no_new_key(tmp_path: Path) -> None:
    first = start(tmp_path)
    assert first.stdout is not None
    first.stdout.readline()
    first.terminate()
    first.communicate(timeout=30)
    keys = tmp_path / "config" / "strongroom" / "keys"
    for key in keys.iterdir():
        key.unlink()
    second = start(tmp_path)
    _, errors = second.communicate(timeout=30)
    assert (second.returncode, list(keys.iterdir())) == (1, [])
    assert "key file" in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bogus"],
        ["--por", "1"],
        ["--port", "x"],
        ["--port", "65536"],
        ["--store", "x:y"],
        ["--log-format", "xml"],
        ["--event-ttl", "5"],
        ["--event-ttl", "-1h"],
        ["extra"],
        ["--tls-cert-file", "x"],
        ["--audit-log-maxsize", "-1"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parse_options(arguments)
    assert raised.value.code == 2


def test_upstreams_names_and_ours(tmp_path: Path) -> None:
    options = parse_options(
        [
            "--data-dir",
            str(tmp_path),
            "--bind-address",
            "::1",
            "--secure-port",
            "1",
            "--event-ttl",
            "1h30m",
            "--etcd-compaction-interval",
            "10s",
        ]
    )
    assert (options.bind, options.port, options.event_ttl) == ("::1", 1, 5400.0)
    assert options.compaction_interval == 10.0
    assert options.kubeconfig == tmp_path / "admin.kubeconfig"
