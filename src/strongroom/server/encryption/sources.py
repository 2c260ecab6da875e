"""Where the key-encryption key is: what ``--encryption-key URI`` names. One line a scheme.

What the URIs mean stands with those who read them: ``file_source.py`` for keys in files, a module
a service for keys that are held elsewhere.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from strongroom.server.encryption.cloud_sources import aws_source, azure_source, gcp_source
from strongroom.server.encryption.file_source import FileSource, in_the_clear, under_passphrase
from strongroom.server.encryption.pkcs11_source import pkcs11_source
from strongroom.server.encryption.remote_source import RemoteSource
from strongroom.server.encryption.seal_source import by_age, by_tpm
from strongroom.server.encryption.vault_source import vault_source

Source = FileSource | RemoteSource


@dataclass(frozen=True, slots=True)
class Scheme:
    """A kind of home for keys.

    ``form`` is what people are told to write behind the colon, ``about`` a word on it for the
    help, and ``read`` makes the source of that; it raises ValueError, which quotes no setting.
    """

    name: str
    form: str
    about: str
    read: Callable[[str], Source]

    def __str__(self) -> str:
        return f"{self.name}:{self.form}"


SCHEMES: Final = (
    Scheme("file", "FILE", "", in_the_clear),
    Scheme("passphrase", "FILE", "sealed under a passphrase", under_passphrase),
    Scheme("tpm", "FILE[?pcrs=sha256:0,7]", "sealed by this machine's TPM", by_tpm),
    Scheme("age", "FILE?identity=FILE", "encrypted by age", by_age),
    Scheme("vault", "https://HOST:PORT/transit/keys/NAME?token-file=FILE", "", vault_source),
    Scheme(
        "pkcs11",
        "token=…;object=…?module-path=FILE&pin-source=file:FILE",
        "in a token or HSM",
        pkcs11_source,
    ),
    Scheme("awskms", "///KEY-OR-ALIAS", "", aws_source),
    Scheme("gcpkms", "//projects/P/locations/L/keyRings/R/cryptoKeys/K", "", gcp_source),
    Scheme("azurekms", "//VAULT.vault.azure.net/keys/NAME", "", azure_source),
)
_BY_NAME: Final = {scheme.name: scheme for scheme in SCHEMES}
_FORMS: Final = ", ".join(map(str, SCHEMES))

HELP: Final = "where that key is: " + ", ".join(
    f"{scheme} ({scheme.about})" if scheme.about else str(scheme) for scheme in SCHEMES
)


def key_source(text: str) -> Source:
    """The source that a URI names. Raises argparse.ArgumentTypeError."""
    name, _, rest = text.partition(":")
    scheme = _BY_NAME.get(name)
    if scheme is None or not rest:
        expected = _FORMS if scheme is None else str(scheme)
        raise argparse.ArgumentTypeError(f"expected {expected}")
    try:
        return scheme.read(rest)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; expected {scheme}") from None
