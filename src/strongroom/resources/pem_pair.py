"""Whether a certificate and a key are there in PEM form, in the words of Go's ``crypto/tls``.

Only the packaging is looked at, which needs no cipher: whether the two belong together is not
told here. No text holds anything of the content but the types of its blocks.
"""

from __future__ import annotations

import re

_MARK = re.compile(rb"-----(BEGIN|END) ([^\n]*)-----")
_CERTIFICATE = "CERTIFICATE"
_KEY = "PRIVATE KEY"


def pem_pair_problem(certificate: bytes, key: bytes) -> str:
    """What is missing of the pair, or an empty string."""
    return _certificate_problem(_block_types(certificate)) or _key_problem(_block_types(key))


def _certificate_problem(types: list[str]) -> str:
    if _CERTIFICATE in types:
        return ""
    if not types:
        return "tls: failed to find any PEM data in certificate input"
    if len(types) == 1 and types[0].endswith(_KEY):
        return (
            "tls: failed to find certificate PEM data in certificate input, but did find a "
            "private key; PEM inputs may have been switched"
        )
    return (
        'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM '
        f"blocks of the following types: [{' '.join(types)}]"
    )


def _key_problem(types: list[str]) -> str:
    if any(name == _KEY or name.endswith(f" {_KEY}") for name in types):
        return ""
    if not types:
        return "tls: failed to find any PEM data in key input"
    if types == [_CERTIFICATE]:
        return "tls: found a certificate rather than a key in the PEM for the private key"
    return (
        'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after '
        f"skipping PEM blocks of the following types: [{' '.join(types)}]"
    )


def _block_types(text: bytes) -> list[str]:
    """The types of the complete blocks, in one walk over the lines: the text may be anything."""
    types = []
    begun = None
    for line in text.split(b"\n"):
        mark = _MARK.fullmatch(line.rstrip())
        if not mark:
            continue
        if mark[1] == b"BEGIN":
            begun = mark[2]
        elif mark[2] == begun:
            types.append(mark[2].decode("latin-1"))
            begun = None
    return types
