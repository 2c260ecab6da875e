"""What the other end of a TLS connection has shown."""

from __future__ import annotations

import ssl
import sys
from typing import Any

_DER = 2
"""The ssl module's own number for the form."""


def shown_certificates(connection: ssl.SSLObject) -> bytes | None:
    """The client's certificate in DER, then those that it showed beside it; None for none."""
    leaf = connection.getpeercert(binary_form=True)
    if leaf is None:
        return None
    if sys.version_info >= (3, 13):
        chain = connection.get_unverified_chain()
    else:
        # Until Python 3.13 the public class has no name for what is there.
        inner: Any = connection._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - as above
        chain = [one.public_bytes(_DER) for one in inner.get_unverified_chain() or ()]
    # The leaf goes first in any case: it alone is what the client has the key of.
    others = [der for der in chain if der != leaf]
    return b"".join((leaf, *others)) if others else leaf
