"""The project's own promises: locked dependencies, one version, a package that starts light."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import strongroom

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+) \\$", re.MULTILINE)


def normalised(name: str) -> str:
    """A distribution's name as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: Path) -> dict[str, str]:
    """The versions a lock pins, by normalised name."""
    return {normalised(name): version for name, version in PIN.findall(lock.read_text())}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The project table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_distribution_has_hashes(lock: Path) -> None:
    entries = re.split(r"^(?=\S)", lock.read_text(), flags=re.MULTILINE)
    requirements = [entry for entry in entries if not entry.startswith("#") and entry.strip()]
    assert requirements
    for entry in requirements:
        assert re.match(r"[A-Za-z0-9._-]+==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locks_name_no_index_and_no_path(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"index-url|find-links|trusted-host|(?:^|\s)/\w", text)


def test_both_locks_agree(project: dict[str, Any]) -> None:
    runtime = pins(ROOT / "requirements/runtime.txt")
    developers = pins(ROOT / "requirements/dev.txt")
    assert runtime.items() <= developers.items()
    wanted = {normalised(re.split(r"[<>=!~\[; ]", name)[0]) for name in project["dependencies"]}
    assert wanted <= runtime.keys()


def test_the_version_stands_in_one_way_everywhere(project: dict[str, Any]) -> None:
    assert strongroom.__version__ == project["version"] == metadata.version("strongroom")


def test_the_package_itself_imports_nothing() -> None:
    script = "import sys; old = set(sys.modules); import strongroom; print(*set(sys.modules) - old)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (loaded.returncode, loaded.stdout.split()) == (0, ["strongroom"])


def test_the_types_are_shipped() -> None:
    assert (Path(strongroom.__file__).parent / "py.typed").is_file()
