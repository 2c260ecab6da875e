"""The file of tokens that an operator gives out, as it is now (``--token-auth-file``).

Upstream reads it once; here it is read again when it changes, so that a token ends with its line.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from strongroom.access.authn.tokenfile import BadTokenFile, TokenFile
from strongroom.server.reloading import BadFile, Reloading, read
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

_OTHERS = 0o077


def follow_token_file(path: Path, stack: contextlib.AsyncExitStack) -> TokenFile:
    """The tokens of a file, until ``stack`` ends. Raises BadFile for one that cannot be used."""
    tokens = TokenFile()

    def load() -> None:
        try:
            odd = tokens.replace(read(path))
        except BadTokenFile as error:
            raise BadFile(f"token file {path}: {error}") from None
        if path.stat().st_mode & _OTHERS:
            odd.append("others than its owner may read or write it (chmod 600)")
        for what in odd:
            log(logger, logging.WARNING, f"token file {path}: {what}")

    reloading = Reloading([path], load, what="tokens of the token file")
    load()
    reloading.begin(stack)
    return tokens
