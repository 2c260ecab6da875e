"""A token of SoftHSM with a key, for tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.parts import require_part

MODULES: Final = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


class SoftHsm:
    """A directory of tokens; ``SOFTHSM2_CONF`` is to name ``configuration``."""

    def __init__(self, directory: Path) -> None:
        self._util = str(require_part("softhsm2-util"))
        self.module = next(path for path in MODULES if Path(path).exists())
        self.tokens = directory / "tokens"
        self.tokens.mkdir()
        self.configuration = directory / "softhsm2.conf"
        self.configuration.write_text(
            f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self.pin = directory / "pin"
        self.pin.touch(0o600)
        self.pin.write_text("1234\n")

    def initialize(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the token, in this process's view of the world."""
        monkeypatch.setenv("SOFTHSM2_CONF", str(self.configuration))
        argv = [self._util, "--init-token", "--free", "--label", "room"]
        subprocess.run(
            [*argv, "--so-pin", "5678", "--pin", "1234"], check=True, capture_output=True
        )

    def make(self, label: str, number: int, **template: bool) -> None:
        """A key, by another process: as an administrator does."""
        code = (
            "import sys, pkcs11; from pkcs11 import Attribute as A\n"
            "module, label, number, extractable = sys.argv[1:]\n"
            "token = pkcs11.lib(module).get_token(token_label='room')\n"
            "with token.open(rw=True, user_pin='1234') as session:\n"
            "    template = {A.SENSITIVE: True, A.EXTRACTABLE: extractable == 'True'}\n"
            "    named = dict(label=label, id=bytes([int(number)]), store=True)\n"
            "    session.generate_key(pkcs11.KeyType.AES, 256, **named, template=template)\n"
        )
        wanted = [self.module, label, str(number), str(template.get("extractable", False))]
        subprocess.run([sys.executable, "-c", code, *wanted], check=True)

    def uri(self, label: str, more: str = "") -> str:
        """A key as settings name it."""
        query = f"module-path={self.module}&pin-source=file:{self.pin}"
        return f"pkcs11:token=room;object={label};type=secret-key{more}?{query}"

    @contextmanager
    def away(self) -> Iterator[None]:
        """Have the token unplugged for a while."""
        aside = self.tokens.with_name("aside")
        self.tokens.rename(aside)
        self.tokens.mkdir()
        yield
        self.tokens.rmdir()
        aside.rename(self.tokens)


def fresh_module(module: str) -> None:
    """Have the library be what a new process sees: it reads its configuration once."""
    import pkcs11

    pkcs11.unload(module)


def with_key(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    """A token that holds the key `kek`, for a fixture to yield from."""
    made = SoftHsm(directory)
    made.initialize(monkeypatch)
    made.make("kek", 1)
    fresh_module(made.module)
    yield made
    fresh_module(made.module)
