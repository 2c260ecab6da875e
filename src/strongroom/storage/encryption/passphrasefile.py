"""Where a passphrase comes from: a file, standard input, a descriptor, or systemd's credentials.

What else opens keys and is a short text, as an identity of age, is read in the same way.

Never from the command line or an environment variable, which other processes and logs see.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from strongroom.storage.encryption.keyfile import MAX_FILE, check_directory, check_private
from strongroom.storage.encryption.port import KeyServiceError

STDIN = "-"
CREDENTIAL = "strongroom-passphrase"
"""The credential of systemd that is looked for when nobody names a file."""


class PassphraseFile:
    """Tells the passphrase each time that it is called. Raises KeyServiceError.

    A file is read anew each time. What can be read only once (standard input, a pipe) is kept.
    """

    def __init__(self, where: str, what: str = "passphrase file") -> None:
        self.where, self.what = where, what
        self._kept: bytes | None = None

    def __repr__(self) -> str:
        return f"PassphraseFile({self.where!r})"

    def __call__(self) -> bytes:
        if self._kept is not None:
            return self._kept
        try:
            content, again = self._read()
        except OSError as error:
            raise KeyServiceError(
                f"cannot read the {self.what} {self.where}: {error.strerror}"
            ) from error
        found = content.removesuffix(b"\n").removesuffix(b"\r")
        if not found:
            raise KeyServiceError(f"the {self.what} {self.where} is empty")
        if len(content) > MAX_FILE:
            raise KeyServiceError(f"the {self.what} {self.where} is too long")
        if not again:
            self._kept = found
        return found

    def _read(self) -> tuple[bytes, bool]:
        """The content, and whether it can be read again. Raises KeyFileUnsafe, OSError."""
        if self.where == STDIN:
            return sys.stdin.buffer.read(MAX_FILE + 1), False
        path = Path(self.where)
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            again = stat.S_ISREG(status.st_mode)
            # systemd grants its credentials by an access list, which a mode does not tell.
            if again and not _is_credential(path):
                check_private(path, status, self.what)
                check_directory(path)
            return file.read(MAX_FILE + 1), again


def default_passphrase_file() -> str:
    """systemd's credential, if the service has it. Raises KeyServiceError without one."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY", "")
    found = Path(directory) / CREDENTIAL
    if directory and found.exists():
        return str(found)
    raise KeyServiceError(
        f"no passphrase is given: name its file, or have systemd load the credential {CREDENTIAL}"
    )


def _is_credential(path: Path) -> bool:
    directory = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return bool(directory) and path.absolute().parent == Path(directory).absolute()
