"""Key files that a TPM or age seals, as URIs name them. No setting holds a secret: files do.

tpm:FILE[?pcrs=sha256:0,7][&tcti=…]
age:FILE?identity=FILE[&recipient=age1…]…
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

from strongroom.server.encryption.file_source import FileSource, path_of
from strongroom.storage.encryption.passphrasefile import STDIN, PassphraseFile

if TYPE_CHECKING:
    from strongroom.storage.encryption.age_seal import AgeSeal
    from strongroom.storage.encryption.tpm import TPMSeal

_AS_THEY_ARE = "/:,=@"


@dataclass(frozen=True, slots=True)
class ByTPM:
    """The TPM of this machine opens the file, with these values of PCRs if any are named."""

    pcrs: str | None = None
    tcti: str | None = None
    scheme = "tpm"

    @property
    def settings(self) -> str:
        return _query([("pcrs", self.pcrs), ("tcti", self.tcti)])

    @property
    def files(self) -> tuple[Path, ...]:
        return ()

    def seal(self) -> TPMSeal:
        """Asks the TPM nothing yet."""
        from strongroom.storage.encryption.tpm import TPMSeal
        from strongroom.storage.encryption.tpm_policy import PCRs

        return TPMSeal(PCRs.parse(self.pcrs) if self.pcrs else None, self.tcti)


@dataclass(frozen=True, slots=True)
class ByAge:
    """The identities of a file open it, and the recipients' may too."""

    identity: Path
    recipients: tuple[str, ...] = ()
    scheme = "age"

    @property
    def settings(self) -> str:
        named = [("recipient", recipient) for recipient in self.recipients]
        return _query([("identity", str(self.identity)), *named])

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.identity,)

    def seal(self) -> AgeSeal:
        """Reads no identity yet."""
        from strongroom.backup.age_keys import Recipient
        from strongroom.storage.encryption.age_seal import AgeSeal

        who = str(self.identity)
        recipients = [Recipient.parse(recipient) for recipient in self.recipients]
        return AgeSeal(PassphraseFile(who, "identity file"), who, recipients)


def by_tpm(text: str) -> FileSource:
    """What ``tpm:`` is followed by. Raises ValueError."""
    from strongroom.storage.encryption.tpm_policy import PCRs

    path, pairs = _parted(text, once={"pcrs", "tcti"})
    found = dict(pairs)
    pcrs = str(PCRs.parse(found["pcrs"])) if "pcrs" in found else None
    return FileSource(path, ByTPM(pcrs, found.get("tcti")))


def by_age(text: str) -> FileSource:
    """What ``age:`` is followed by. Raises ValueError."""
    from strongroom.backup.age_keys import Recipient

    path, pairs = _parted(text, once={"identity"}, often={"recipient"})
    found = dict(pairs)
    # Standard input cannot be read by each process, nor again when the file has changed.
    if found.get("identity", STDIN) == STDIN:
        raise ValueError("the file of the identity is missing: identity=FILE")
    recipients = tuple(value for name, value in pairs if name == "recipient")
    for recipient in recipients:
        Recipient.parse(recipient)
    return FileSource(path, ByAge(Path(found["identity"]).absolute(), recipients))


def _parted(
    text: str, once: Collection[str], often: Collection[str] = ()
) -> tuple[Path, list[tuple[str, str]]]:
    """The file, and the settings. Raises ValueError, which quotes no value."""
    file, _, query = text.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    names = [name for name, _ in pairs]
    if unknown := set(names).difference(once, often):
        raise ValueError(f"there is no setting {', '.join(map(repr, sorted(unknown)))} of that")
    if any(names.count(name) > 1 for name in once) or not all(value for _, value in pairs):
        raise ValueError("each setting stands once, with a value")
    return path_of(file), pairs


def _query(settings: Sequence[tuple[str, str | None]]) -> str:
    given = [f"{name}={quote(value, safe=_AS_THEY_ARE)}" for name, value in settings if value]
    return f"?{'&'.join(given)}" if given else ""
