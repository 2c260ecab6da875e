"""Key files that are encrypted by age: identities open them, and `age -d` does too.

What is in them is the key file in the clear (``keyring.py``). It is encrypted to the recipients of
the identities, and to further ones that are named: those of whoever is to open it without this
machine.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from strongroom.backup.age import BadFile, Opener, Sealer, Stanza
from strongroom.backup.age_keys import Identity, Recipient, identities, unlock_by
from strongroom.storage.encryption.port import KeyServiceError
from strongroom.storage.encryption.seal import AGE, check_sealed_by

_GREASE = "-grease"
"""Ends the kind of stanzas that open nothing, and are there so that readers stay tolerant."""


class AgeSeal:
    """A `Seal` by age. ``identity`` tells an identity file's content, ``who`` its name.

    The identities are read each time that the file is opened, and are not kept. Safe for threads.
    """

    def __init__(
        self, identity: Callable[[], bytes], who: str, recipients: Sequence[Recipient] = ()
    ) -> None:
        self._identity, self._who, self._recipients = identity, who, recipients
        self._found = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"AgeSeal({self._who!r})"

    def opened(self, path: Path, content: bytes) -> bytes:
        check_sealed_by(AGE, path, content)
        ours = self._identities()
        stanzas: list[Stanza] = []

        def unlock(found: list[Stanza]) -> bytes:
            stanzas.extend(found)
            return unlock_by(ours, found)

        try:
            keys = b"".join(Opener(io.BytesIO(content), unlock).chunks())
        except BadFile as error:
            raise KeyServiceError(
                f"the key file {path} cannot be opened with {self._who}: {error}"
            ) from None
        with self._lock:
            self._found = sum(not stanza.arguments[0].endswith(_GREASE) for stanza in stanzas)
        return keys

    def closed(self, keys: bytes) -> bytes:
        recipients = dict.fromkeys(
            [*(identity.recipient for identity in self._identities()), *self._recipients]
        )
        with self._lock:
            # A file does not say to whom it is encrypted, only to how many.
            if self._found > len(recipients):
                raise KeyServiceError(
                    f"the key file is encrypted to {self._found} recipients, of which "
                    f"{len(recipients)} are known: name the others with recipient=age1…, or they "
                    "could not open it any more"
                )
            self._found = len(recipients)
        file = io.BytesIO()
        sealer = Sealer(file, *(partial(Recipient.lock, recipient) for recipient in recipients))
        sealer.write(keys)
        sealer.finish()
        return file.getvalue()

    def _identities(self) -> list[Identity]:
        try:
            return identities(self._identity().decode())
        except ValueError as error:
            # Without the cause, which may quote what could not be decoded.
            why = "it is no text" if isinstance(error, UnicodeDecodeError) else str(error)
            raise KeyServiceError(f"the identity file {self._who}: {why}") from None
