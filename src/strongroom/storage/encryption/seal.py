"""What lies around the keys of a key file: nothing, a passphrase, a TPM, or age."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from strongroom.storage.encryption.port import KeyFileDamaged, KeyFileSealed

FILE, PASSPHRASE, TPM, AGE = "file", "passphrase", "tpm", "age"

FIRST_LINES: Final = {
    PASSPHRASE: "strongroom sealed keys, version 1",
    TPM: "strongroom keys sealed by a TPM, version 1",
    AGE: "age-encryption.org/v1",
}
"""By which such a file is told from others."""

_TOLD: Final = {
    PASSPHRASE: ("sealed under a passphrase", "passphrase:{}"),
    TPM: ("sealed by a TPM", "tpm:{}"),
    AGE: ("encrypted by age", "age:{}?identity=FILE"),
}


class Seal(Protocol):
    """Opens what a key file holds, and closes what it is to hold."""

    def opened(self, path: Path, content: bytes) -> bytes:
        """The keys in the clear. ``path`` is for messages. Raises KeyServiceError."""
        ...

    def closed(self, keys: bytes) -> bytes:
        """What the file is to hold. Raises KeyServiceError."""
        ...


def sealed_by(content: bytes) -> str:
    """What a key file's content is sealed by; `FILE` for nothing that is known."""
    first = content.partition(b"\n")[0]
    return next((by for by, line in FIRST_LINES.items() if first == line.encode()), FILE)


def check_sealed_by(wanted: str, path: Path, content: bytes) -> None:
    """Refuse a file that is under another seal. Raises KeyFileSealed, which tells the right one."""
    found = sealed_by(content)
    if found == wanted:
        return
    if found == FILE:
        raise KeyFileSealed(
            f"the key file {path} is not {_TOLD[wanted][0]}: name it as file:{path}, or change "
            "that with `strongroom keys reseal`"
        )
    how, name = _TOLD[found]
    raise KeyFileSealed(f"the key file {path} is {how}: name it as {name.format(path)}")


def damaged(path: Path) -> KeyFileDamaged:
    """For a file that does not hold what it should."""
    return KeyFileDamaged(
        f"the key file {path} is damaged: restore it from its backup, do not make a new one"
    )


class InTheClear:
    """The file holds the keys themselves."""

    def opened(self, path: Path, content: bytes) -> bytes:
        check_sealed_by(FILE, path, content)
        return content

    def closed(self, keys: bytes) -> bytes:
        return keys


IN_THE_CLEAR: Final = InTheClear()
