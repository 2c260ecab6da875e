"""The rule for real parts: a missing one skips here and fails under CI."""

import os
import sys
from pathlib import Path

import pytest

from tests.parts import find_part, require_part


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty environment and an empty PATH, both in the folder returned."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "env" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def install(path: Path) -> Path:
    """An executable file at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_environments_own_part_comes_before_paths(nothing_installed: Path) -> None:
    on_path = install(nothing_installed / "path" / "kubectl")
    assert find_part("kubectl") == on_path
    own = install(nothing_installed / "env" / "kubectl")
    assert find_part("kubectl") == own


@pytest.mark.usefixtures("nothing_installed")
def test_a_missing_part_skips_and_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="install it with: make venv"):
        require_part("kubectl")


@pytest.mark.usefixtures("nothing_installed")
def test_a_missing_part_fails_under_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="kubectl is not installed"):
        require_part("kubectl")


@pytest.mark.needs("kubectl")
def test_the_marker_lets_a_test_run_when_its_part_is_there() -> None:
    found = require_part("kubectl")
    assert os.access(found, os.X_OK)
