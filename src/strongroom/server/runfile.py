"""What a running server says of itself to `strongroom status` and to `strongroom up`."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import msgspec

from strongroom.files import private_directory, write_private
from strongroom.paths import run_dir
from strongroom.server.audit.outlets import chain_key_of
from strongroom.server.encryption.ownkey import KMS_NAME
from strongroom.server.maintenance import keep_doing
from strongroom.server.options import Options
from strongroom.server.storage import Encrypting, OpenedStore

_LOOK_AGAIN = 1.0
"""Seconds between two looks at which key encrypts."""


class RunFile:
    """``run/apiserver.json``, from now until ``remove``. It names the key and holds none."""

    def __init__(self, options: Options, url: str, opened: OpenedStore) -> None:
        self._encrypting = opened.encrypting
        self._path = private_directory(run_dir(options.data_dir)) / "apiserver.json"
        self._facts: dict[str, Any] = {
            "pid": os.getpid(),
            "url": url,
            "store": options.store,
            "encryption": _encryption(opened.encrypting),
            "audit": {
                "log": str(Path(options.audit.log.path).absolute()),
                "keyFile": str(chain_key_of(options)),
            },
        }
        self.tell()

    def tell(self, **facts: Any) -> None:
        """Say more, or something new. Raises OSError."""
        self._facts |= facts
        write_private(self._path, msgspec.json.encode(self._facts))

    def follow(self, stack: contextlib.AsyncExitStack) -> None:
        """Name another key when another one encrypts, until ``stack`` ends it."""
        keep_doing(_LOOK_AGAIN, self._look, stack)

    async def _look(self) -> None:
        now = _encryption(self._encrypting)
        if now != self._facts["encryption"]:
            self.tell(encryption=now)

    def remove(self) -> None:
        """Say nothing any more."""
        self._path.unlink(missing_ok=True)


def _encryption(encrypting: Encrypting) -> dict[str, Any]:
    """What encrypts, and the files that pods must not see."""
    own, configured = encrypting.own, encrypting.configured
    files = [str(path) for path in own.source.files] if own is not None else []
    if configured is not None:
        path = str(configured.path.absolute())
        return {"provider": "EncryptionConfiguration", "file": path, "files": [path, *files]}
    if own is None:
        return {}
    return {
        "provider": f"kms v2 ({KMS_NAME})",
        "keyID": own.transformer.key_id,
        **own.source.facts,
        "files": files,
    }
