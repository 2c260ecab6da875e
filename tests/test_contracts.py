"""Each import contract is broken by an import it is there to forbid.

A contract that nothing can break would let the architecture rot unseen, so every one is given a
trespasser in a copy of the package and must object to it.
"""

import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Contract → (module to add, what it wrongly imports).
TRESPASSES = {
    "client-side": ("cli/trespasser.py", "strongroom.node"),
    "http-only": ("controllers/trespasser.py", "strongroom.storage"),
    "server-side": ("registry/trespasser.py", "strongroom.access"),
    "server-is-the-root": ("server/trespasser.py", "strongroom.client"),
    "registry-owns-storage": ("access/trespasser.py", "strongroom.storage"),
    "storage-knows-no-kinds": ("storage/trespasser.py", "strongroom.resources"),
    "encryption-is-lowest": ("storage/encryption/trespasser.py", "strongroom.storage.port"),
    "access-siblings": ("access/authn/trespasser.py", "strongroom.access.authz"),
    "nobody-imports-testing": ("node/trespasser.py", "strongroom.testing"),
    "shared-ground": ("files.py", "strongroom.client"),
    "no-io": ("resources/trespasser.py", "socket"),
    "cryptography": ("client/trespasser.py", "cryptography.x509"),
    "others-clients": ("server/guest.py", "boto3"),
}


def contracts() -> dict[str, str]:
    """The contracts' identifiers and their names."""
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter")
    prefix = "importlinter:contract:"
    return {
        section.removeprefix(prefix): parser[section]["name"]
        for section in parser.sections()
        if section.startswith(prefix)
    }


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What import-linter says of each contract once every trespasser is in."""
    copy = tmp_path_factory.mktemp("trespassed")
    shutil.copytree(ROOT / "src", copy / "src")
    shutil.copy(ROOT / ".importlinter", copy)
    for place, wrong in TRESPASSES.values():
        (copy / "src/strongroom" / place).write_text(f"def late():\n    import {wrong}\n")
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [linter, "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    return dict(re.findall(r"^(.+) (KEPT|BROKEN)", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("contract", contracts())
def test_the_contract_can_be_broken(contract: str, verdicts: dict[str, str]) -> None:
    assert verdicts[contracts()[contract]] == "BROKEN"
