"""Every example of the documents is run: `console` blocks command by command, output compared.

A block's commands run in one shell per document, beside a `strongroom up` of its own, from the
root of the checkout. Ages (`3s`), fingerprints of values and numbers of revisions may differ.
Blocks marked `sh` start or stop things for good; each of their commands stands in COVERED with the
test that runs it.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing.process import Strongroom
from tests.parts import require_part

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
MAY_DIFFER = (
    (re.compile(r"hmac-sha256:[0-9a-f]{32}"), "HMAC"),
    (re.compile(r"\b\d+s\b"), "Ns"),
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{8}\b|\b[a-f]{8}\b"), "FINGERPRINT"),
    (re.compile(r"(?<=revision )\d+|^\d+(?= )|\d+(?= \(current\))", re.MULTILINE), "N"),
    # Columns are as wide as what stands in them.
    (re.compile(r" {2,}"), "  "),
)
COVERED = {
    "make demo": "test_the_demonstration_runs",
    "make test": ".ci/run",
    "make venv && . .venv/bin/activate": ".ci/run",
    "strongroom up --data-dir ./room &": "room",
    "export KUBECONFIG=$PWD/room/admin.kubeconfig": "room",
    "strongroom node join https://10.0.0.1:6443 --token-file TOKEN --ca-cert-hash sha256:HEX": (
        "test_a_node_joins_runs_pods_and_comes_back"
    ),
}


def blocks(document: Path, kind: str) -> list[str]:
    found = FENCE.finditer(document.read_text())
    return [match["text"] for match in found if match["kind"] == kind]


def steps(text: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that the document shows."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert parts[0] == "", "a console block begins with a command"
    return [(command, output) for command, _, output in (p.partition("\n") for p in parts[1:])]


def settled(text: str) -> str:
    """The text without what is another one each time."""
    for what, word in MAY_DIFFER:
        text = what.sub(word, text)
    return text


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    # Documents show that a read is noted, for which nobody should wait a minute.
    soon = ("--secret-usage-interval", "200ms")
    told = ("--audit-policy-file", str(ROOT / "examples" / "audit" / "policy.yaml"))
    with Strongroom.start(tmp_path_factory.mktemp("docs"), "up", *soon, *told) as room:
        yield room


# The longest pages have dozens of commands, each with a limit of its own below.
@pytest.mark.timeout(600)
@pytest.mark.needs("kubectl", "etcd")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_console_examples_print_what_they_show(document: Path, room: Strongroom) -> None:
    environment = room.environment()
    own = Path(sys.executable).parent
    environment["PATH"] = f"{require_part('kubectl').parent}:{own}:{environment['PATH']}"
    for text in blocks(document, "console"):
        for command, shown in steps(text):
            done = subprocess.run(
                ["bash", "-c", command],
                env=environment,
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=90,
            )  # fmt: skip - one line for how, one for what
            printed = done.stdout if done.stdout.endswith("\n") else done.stdout + "\n"
            assert done.returncode == 0, f"{command}: {done.stderr}"
            assert settled(printed) == settled(shown), command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_other_commands_are_covered_elsewhere(document: Path) -> None:
    for text in blocks(document, "sh"):
        for line in text.splitlines():
            assert line in COVERED, f"{document.name}: who runs {line!r}?"


@pytest.mark.needs("kubectl")
def test_the_demonstration_runs() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )  # fmt: skip - one line for how, one for what
    assert done.returncode == 0, done.stderr
    assert "environment: GREETING = good morning" in done.stdout
    assert "greeting = sleep well (seen at" in done.stdout
