"""The documents' checker finds each kind of untruth, and nothing in a truthful repository."""

import subprocess
from pathlib import Path

import pytest

from tools.check_docs import findings

# In pieces, since the checker reads this file too.
INDEX_NAME = "pypi"
INDEX = f"https://{INDEX_NAME}.example/simple"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small repository in which everything holds."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    write(tmp_path, "Makefile", "check: venv ## checks\n\ttrue\n")
    write(tmp_path, "README.md", "# Top\nSee [more](docs/more.md#a-part), `make check`.\n")
    write(tmp_path, "docs/more.md", "# More\n## A part\n[up](../README.md) [here](#more)\n")
    write(tmp_path, "docs/decisions/README.md", "[one](0001-one.md)\n")
    write(tmp_path, "docs/decisions/0001-one.md", "# One\n")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    """Put a file into the repository."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_truthful_repository_has_no_findings(repository: Path) -> None:
    assert list(findings(repository)) == []


@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        ("a.md", "\n[x](gone.md)", "a.md:2: link to gone.md: no such file"),
        ("a.md", "![x](gone.png)", "a.md:1: link to gone.png: no such file"),
        ("a.md", "[x]: gone.md", "a.md:1: link to gone.md: no such file"),
        ("a.md", "[x](README.md#no)", "a.md:1: link to README.md#no: no such heading"),
        ("a.md", "run `make coffee`", "a.md:1: `make coffee` is no target of the Makefile"),
        ("a.md", "```\nmake tea\n```", "a.md:2: `make tea` is no target of the Makefile"),
        ("a.txt", f"-i {INDEX}", "a.txt:1: names a package index's address"),
        ("docs/decisions/0002-b.md", "# B", "docs/decisions/README.md:1: 0002-b.md is not listed"),
    ],
)
def test_each_untruth_is_found(repository: Path, name: str, text: str, finding: str) -> None:
    write(repository, name, text)
    assert list(findings(repository)) == [finding]


def test_the_path_of_a_checkout_is_found(repository: Path) -> None:
    write(repository, "a.py", f"x = '{repository}/x'")
    assert list(findings(repository)) == ["a.py:1: names a path of one machine"]


@pytest.mark.parametrize(
    "text",
    [
        "[x](https://example.org/gone.md) [y](mailto:a@example.org)",
        "```\n[x](gone.md)\n```",
        "`[x](gone.md)`",
        "the words make sense of it",
    ],
)
def test_what_only_looks_like_one_is_left_alone(repository: Path, text: str) -> None:
    write(repository, "a.md", text)
    assert list(findings(repository)) == []


def test_ignored_files_are_not_read(repository: Path) -> None:
    write(repository, ".gitignore", "out/\n")
    write(repository, "out/a.md", "[x](gone.md)")
    assert list(findings(repository)) == []
