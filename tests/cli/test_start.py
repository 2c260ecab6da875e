"""How the command starts: fast, since it imports little, and with help that shows by example."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from strongroom import __version__
from strongroom.cli.main import COMMANDS, main

HEAVY = (
    "aiohttp",
    "asyncio",
    "concurrent",
    "cryptography",
    "email",
    "http",
    "httptools",
    "kubernetes",
    "msgspec",
    "prometheus_client",
    "sqlite3",
    "ssl",
    "urllib.request",
    "uvloop",
    "wsproto",
    "yaml",
)  # fmt: skip - a list of names
"""Modules that together cost more than a start may take (150 ms)."""

OWN = {
    "strongroom",
    "strongroom.__main__",
    "strongroom.cli",
    "strongroom.cli.lazy",
    "strongroom.cli.main",
}


def loaded_by(*arguments: str) -> set[str]:
    """Names of the modules that one call of the command has loaded when it ends."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: sys.stderr.write('\\n'.join(sys.modules)))\n"
        f"sys.argv = {['strongroom', *arguments]!r}\n"
        "from strongroom.cli.main import main\n"
        "main()\n"
    )
    # An empty environment, so that coverage, which is heavy, does not start in the process.
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": ""}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines())


def test_help_imports_nothing_heavy() -> None:
    loaded = loaded_by("--help")
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert {name for name in loaded if name.split(".")[0] == "strongroom"} <= OWN


@pytest.mark.parametrize("command", ["up", "status"])
def test_a_commands_help_imports_nothing_heavy(command: str) -> None:
    assert loaded_by(command, "--help").isdisjoint(HEAVY)


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert (result.exit_code, result.output) == (0, f"strongroom, version {__version__}\n")


def test_help_lists_every_command_and_the_exit_codes() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name, (_, text) in COMMANDS.items():
        assert name in result.output
        assert text.split()[0] in result.output
    assert "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check found" in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "strongroom", command, "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert f"strongroom {command}" in done.stdout.lower()
    assert "example" in done.stdout.lower()


@pytest.mark.parametrize(
    "arguments", [["--nope"], ["nope"], ["status", "--nope"], ["up", "--port", "x"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2


def test_a_mistyped_command_gets_the_one_that_was_meant() -> None:
    result = CliRunner().invoke(main, ["stauts"])
    assert "No such command 'stauts'. Did you mean 'status'?" in result.output
    assert "Did you mean" not in CliRunner().invoke(main, ["xyz"]).output


def test_an_empty_data_directory_is_no_default() -> None:
    result = CliRunner().invoke(main, ["up", "--data-dir", ""])
    assert result.exit_code == 2
    assert "--data-dir: expected a directory, got an empty name" in result.output


def up(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "strongroom", "up", *arguments]
    return subprocess.run(argv, capture_output=True, text=True)


def test_a_mistyped_option_of_up_is_named_without_the_servers_usage(tmp_path: Path) -> None:
    done = up("--data-dir", str(tmp_path / "data"), "--prot", "0")
    assert done.returncode == 2
    mistake, advice = done.stderr.splitlines()
    assert mistake == "strongroom: unrecognized arguments: --prot 0"
    assert "strongroom apiserver --help" in advice


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = up("--data-dir", str(tmp_path / "file"))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"cannot use the data directory: {tmp_path / 'file'}: File exists" in done.stderr


@pytest.mark.parametrize("part", ["apiserver", "controllers", "node"])
def test_wrong_usage_of_a_part_exits_with_2(part: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "strongroom", part, "--nope"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--nope" in done.stderr
