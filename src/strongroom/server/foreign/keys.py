"""Keys of another cluster's store: what stands below its prefix, resource by resource."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.storage.encryption.choosing import section

_OURS = "/registry"


@dataclass(frozen=True, slots=True)
class Area:
    """What is to be read: everything below a prefix, or of some sections of it."""

    prefix: str
    sections: Sequence[str] = ()

    @property
    def below(self) -> bytes:
        """What all keys begin with."""
        return f"{self.prefix}/".encode()

    def starts(self) -> list[bytes]:
        """What the keys that are to be read begin with, in the order of the sections."""
        if not self.sections:
            return [self.below]
        return [f"{self.prefix}/{name}/".encode() for name in dict.fromkeys(self.sections)]

    def parts(self, key: bytes) -> tuple[str, str]:
        """Section and rest of a key below the prefix; what is no text is shown as it can be."""
        rest = key[len(self.prefix) :].decode(errors="backslashreplace")
        name = section(_OURS + rest)
        return name, rest[len(name) + 2 :]


def area(prefix: str, sections: Sequence[str]) -> Area:
    """As kube-apiserver takes ``--etcd-prefix``: with or without a slash."""
    trimmed = prefix.strip("/")
    return Area(f"/{trimmed}" if trimmed else "", sections)
