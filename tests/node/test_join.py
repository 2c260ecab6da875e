"""What `strongroom node join` is told, and what it hands to the node agent."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from strongroom.node.identity import Identity
from strongroom.node.join import parse_join_options

URL = "https://10.0.0.1:6443"
TOKEN = "ghijkl.0123456789ghijkl"
PIN = "sha256:" + "0123456789abcdef" * 4


def test_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    argv = [URL + "/", "--token-file", str(tmp_path / "token"), "--ca-cert-hash", PIN.upper()]
    argv += ["--data-dir", str(tmp_path), "--hostname-override", "N2", "--port", "0"]
    options = parse_join_options(argv)
    assert (options.server, options.token, options.pins) == (URL, TOKEN, frozenset({PIN}))
    assert (options.identity.name, options.identity.directory) == ("n2", tmp_path)
    assert options.rest == ("--port", "0")
    assert TOKEN not in repr(options)


def test_a_later_start_needs_nothing(tmp_path: Path) -> None:
    options = parse_join_options(["--data-dir", str(tmp_path)])
    assert (options.server, options.token) == ("", "")
    assert options.identity.name == socket.gethostname().lower()


def test_a_later_start_goes_on_under_the_name_that_has_joined(tmp_path: Path) -> None:
    Identity(tmp_path, "n2").point_to(URL, b"authority")
    directory = ["--data-dir", str(tmp_path)]
    assert parse_join_options(directory).identity.name == "n2"
    other = parse_join_options([*directory, "--hostname-override", "n3"])
    assert other.identity.name == "n3"
    anew = parse_join_options([URL, "--token", TOKEN, "--ca-cert-hash", PIN, *directory])
    assert anew.identity.name == socket.gethostname().lower()


def test_trust_without_a_fingerprint_has_a_name_of_its_own() -> None:
    unsafe = "--discovery-token-unsafe-skip-ca-verification"
    assert parse_join_options([URL, "--token", TOKEN, unsafe]).pins is None


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["http://10.0.0.1"], "the server comes first, as https://HOST:PORT"),
        ([URL, "--token", TOKEN], "--ca-cert-hash or --discovery-file"),
        ([URL, "--token", "abc"], "has the form ID.SECRET"),
        ([URL, "--ca-cert-hash", "sha256:12"], "64 hexadecimal digits"),
        ([URL, "--token-file", "/nowhere/token"], "No such file"),
        ([URL, "--world", "x"], "unrecognized arguments: --world x"),
    ],
)
def test_what_is_wrong_is_told(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_join_options(argv)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert TOKEN not in told
