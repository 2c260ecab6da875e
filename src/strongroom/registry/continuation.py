"""The continue token of paged lists, in upstream's form (``k8s.io/apiserver/pkg/storage``).

It is unpadded URL-safe base64 of ``{"v":"meta.k8s.io/v1","rv":REVISION,"start":KEY}``. A revision
of -1 means "as of now": such a token is offered when the first page's revision has expired.
"""

from __future__ import annotations

import base64
import binascii
import posixpath
from dataclasses import dataclass

import msgspec

from strongroom.api.errors import StatusError, bad_request

_VERSION = "meta.k8s.io/v1"
LATEST = -1


class _Token(msgspec.Struct):
    v: str = ""
    rv: int = 0
    start: str = ""


_decoder = msgspec.json.Decoder(_Token)


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where a list goes on: at ``start`` (a whole storage key), as of ``revision``."""

    revision: int
    start: str

    def encode(self, prefix: str) -> str:
        """The token, in which the key is told relative to the prefix that is listed."""
        token = _Token(_VERSION, self.revision, self.start.removeprefix(prefix))
        return base64.urlsafe_b64encode(msgspec.json.encode(token)).rstrip(b"=").decode()


def following(key: str, revision: int) -> Continuation:
    """The continuation of a page whose last object is stored at ``key``."""
    return Continuation(revision, key + "\0")


def decode(text: str, prefix: str) -> Continuation:
    """Read a token. Raises StatusError 400; a token never leads outside ``prefix``."""
    try:
        if "=" in text:
            raise ValueError("padded")
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
        token = _decoder.decode(data)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise _invalid("continue key is not valid: it cannot be decoded") from error
    if token.v != _VERSION:
        raise _invalid(
            "continue key is not valid: server does not recognize this encoded version " + token.v
        )
    if token.rv == 0:
        raise _invalid(
            "continue key is not valid: incorrect encoded start resourceVersion "
            "(version meta.k8s.io/v1)"
        )
    if not token.start:
        raise _invalid(
            "continue key is not valid: encoded start key empty (version meta.k8s.io/v1)"
        )
    start = token.start if token.start.startswith("/") else "/" + token.start
    # A key that normalises to another one tries to climb out of the prefix.
    if posixpath.normpath(start) != start or start.startswith("//"):
        raise _invalid(f"continue key is not valid: {token.start}")
    return Continuation(token.rv, prefix + start[1:])


def _invalid(why: str) -> StatusError:
    return bad_request(f"invalid continue token: {why}")
