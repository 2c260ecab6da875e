"""What all commands for people share."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from strongroom.cli.main import main
from strongroom.cli.people import Failure, People, harmless, people_options
from tests.client.test_config import kubeconfig


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[2Jgone", "?[2Jgone"),
        ("\x1b[8mhidden\x1b[30mblack", "?[8mhidden?[30mblack"),
        ("\x1b]0;title\x07", "?]0;title?"),
        ("\x9b2J\r\x08", "?2J??"),
        ("größer", "größer"),
        ("a\u202egpj.exe\u2066\u2028x", "a?gpj.exe??x"),
    ],
)
def test_nothing_from_a_cluster_commands_a_terminal(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_columns_are_as_wide_as_they_must_be(capsys: pytest.CaptureFixture[str]) -> None:
    green = click.style("ok", fg="green")
    People().table(["NAME", "STATE"], [["a-long-name", green], ["b", "\x1b[2J"]])
    assert capsys.readouterr().out == (
        "NAME          STATE\na-long-name   ok\nb             ?[2J\n"
    )


def test_no_cell_makes_a_row_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    People().table(["USER", "VERB"], [["eve\n2026-01-01   root", "get\tlist"]])
    out = capsys.readouterr().out
    assert out.splitlines()[1:] == ["eve?2026-01-01   root   get?list"]


def test_a_failure_is_told_in_one_form(capsys: pytest.CaptureFixture[str]) -> None:
    failure = Failure("it did not work\nTry this.")
    failure.show()
    assert capsys.readouterr().err == "error: it did not work\nTry this.\n"
    assert failure.exit_code == 1


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "x")
    path.write_text(path.read_text().replace("https://x:1/", "https://127.0.0.1:1"))
    result = CliRunner().invoke(main, ["secret", "list", "--kubeconfig", str(path)])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: https://127.0.0.1:1: GET /api/v1/")
    assert "connection refused\nIs it running" in result.stderr


def test_output_that_has_no_place_is_a_failure_and_a_reader_that_left_is_none() -> None:
    @click.command()
    @people_options
    @click.argument("code", type=int)
    def write(people: People, code: int) -> None:
        raise OSError(code, os.strerror(code))

    full = CliRunner().invoke(write, [str(errno.ENOSPC)])
    assert (full.exit_code, full.stderr) == (1, "error: No space left on device\n")
    assert CliRunner().invoke(write, [str(errno.EPIPE)]).stderr == ""
