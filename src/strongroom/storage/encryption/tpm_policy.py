"""When a TPM gives a sealed key out: always to this machine, or with these values of PCRs only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

_BANKS = {
    "sha1": (0x0004, 20),
    "sha256": (0x000B, 32),
    "sha384": (0x000C, 48),
    "sha512": (0x000D, 64),
}
"""Of each bank its TPM_ALG_ID and the bytes of a value."""
_FORM = re.compile(r"([a-z0-9]+):(\d{1,2}(?:,\d{1,2})*)")
_COUNT = 24

_POLICY_PCR, _POLICY_COMMAND, _UNSEAL = (code.to_bytes(4, "big") for code in (0x17F, 0x16C, 0x15E))
"""TPM_CC_PolicyPCR, TPM_CC_PolicyCommandCode, TPM_CC_Unseal (TPM 2.0 library, part 2, 6.5.2)."""
_NOTHING_YET = bytes(32)

ANY_STATE: Final = sha256(_NOTHING_YET + _POLICY_COMMAND + _UNSEAL).digest()
"""The policy that allows unsealing whatever the PCRs are, and nothing besides."""


@dataclass(frozen=True, slots=True)
class PCRs:
    """Some of a bank's registers, which hold what the machine has started so far."""

    bank: str
    numbers: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.bank}:{','.join(map(str, self.numbers))}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """As tpm2-tools have it: ``sha256:0,7``. Raises ValueError."""
        found = _FORM.fullmatch(text)
        if found is None or found[1] not in _BANKS:
            raise ValueError(f"PCRs are named as sha256:0,7 (banks: {', '.join(_BANKS)})")
        numbers = {int(number) for number in found[2].split(",")}
        if max(numbers) >= _COUNT:
            raise ValueError(f"PCRs have the numbers 0 to {_COUNT - 1}")
        return cls(found[1], tuple(sorted(numbers)))

    def policy(self, values: bytes) -> bytes:
        """The policy that asks for these values, one after another.

        Raises ValueError when they are not the values of all of them: a TPM leaves those of a bank
        that is off out without a word, and the policy would ask for nothing.
        """
        algorithm, size = _BANKS[self.bank]
        if len(values) != size * len(self.numbers):
            raise ValueError("values are missing")
        bits = sum(1 << number for number in self.numbers).to_bytes(3, "little")
        selection = b"\0\0\0\1" + algorithm.to_bytes(2, "big") + b"\3" + bits
        digest = sha256(values).digest()
        return sha256(_NOTHING_YET + _POLICY_PCR + selection + digest).digest()
