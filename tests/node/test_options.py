"""The agent's command line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from strongroom.node.options import PORT, parse_options


def test_defaults() -> None:
    options = parse_options([])
    assert options.name == socket.gethostname().lower()
    assert options.port == PORT
    assert options.register
    assert Path("/etc/strongroom") in options.hidden_paths


def test_the_kubelets_names() -> None:
    options = parse_options(
        [
            *("--hostname-override", "Worker-1", "--node-ip", "10.0.0.1,fd00::1"),
            *("--register-node=false", "--node-labels", "a=b,c="),
            *("--hidden-path", "/x", "--hidden-path", "/y"),
        ]
    )
    assert options.name == "worker-1"
    assert options.addresses == ("10.0.0.1", "fd00::1")
    assert not options.register
    assert options.labels == {"a": "b", "c": ""}
    assert options.hidden_paths[:2] == (Path("/x"), Path("/y"))


@pytest.mark.parametrize(
    "argv",
    [
        ["--port", "70000"],
        ["--port", "x"],
        ["--node-labels", "nonsense"],
        ["--register-node=perhaps"],
        ["--tls-cert-file", "x"],
        ["--unknown"],
    ],
)
def test_wrong_usage_exits_with_two(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_options(argv)
    assert caught.value.code == 2
    assert "strongroom node" in capsys.readouterr().err
