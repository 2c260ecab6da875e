"""Tokens that a file gives out: ``token,user,uid,"group1,group2"``.

Source: ``k8s.io/apiserver/pkg/authentication/token/tokenfile``. No token stays in memory: what is
kept is an HMAC of each, under a key that no one but this process ever had. Finding one takes as
long for a token that is nearly right as for one that is not, since what is looked up tells nothing
of how much of it was right, and the rest is compared in constant time.
"""

from __future__ import annotations

import csv
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from strongroom.access.authn.port import Authenticated
from strongroom.access.user import User

_COLUMNS = 3
_BUCKET = 8
"""Bytes of a digest by which it is looked up; all of them are compared then."""


class BadTokenFile(ValueError):
    """A file of tokens cannot be used. The text says which line and quotes nothing of it."""

    holds_no_payload = True


@dataclass(frozen=True, slots=True)
class _Entry:
    digest: bytes = field(repr=False)
    user: User


class TokenFile:
    """Users of the tokens in a file. ``replace`` puts another content into use, all at once."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._entries: Mapping[bytes, tuple[_Entry, ...]] = {}

    def replace(self, content: bytes) -> list[str]:
        """Believe what a file says from now on, and nothing else; returns what is odd about it.

        Raises BadTokenFile, and leaves everything as it was.
        """
        found, odd = _read(content)
        entries: dict[bytes, tuple[_Entry, ...]] = {}
        for token, user in found.items():
            digest = self._digest(token)
            bucket = digest[:_BUCKET]
            entries[bucket] = (*entries.get(bucket, ()), _Entry(digest, user))
        self._entries = entries
        return odd

    async def authenticate_token(self, token: str) -> Authenticated | None:
        """Whose the token is; None for one that the file does not have."""
        digest = self._digest(token)
        for entry in self._entries.get(digest[:_BUCKET], ()):
            if hmac.compare_digest(entry.digest, digest):
                return Authenticated(entry.user)
        return None

    def _digest(self, token: str) -> bytes:
        return hmac.digest(self._key, token.encode(errors="surrogatepass"), "sha256")


def _read(content: bytes) -> tuple[dict[str, User], list[str]]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadTokenFile(f"line {line}: not UTF-8") from None
    found: dict[str, User] = {}
    odd: list[str] = []
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    while True:
        # A quoted column may go on over lines: it is the first that people look for.
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return found, odd
        except csv.Error:
            raise BadTokenFile(f"line {line}: not CSV: quotes that do not match") from None
        if not record:
            continue
        token, user = _entry(record, line)
        if not token:
            odd.append(f"line {line}: an empty token, which is left out")
            continue
        if token in found:
            odd.append(f"line {line}: a token that was there before; the last line counts")
        found[token] = user


def _entry(record: list[str], line: int) -> tuple[str, User]:
    if len(record) < _COLUMNS:
        raise BadTokenFile(
            f"line {line}: must have at least 3 columns (token, user name, user uid), "
            f"found {len(record)}"
        )
    token, name, uid = record[:_COLUMNS]
    if not name:
        raise BadTokenFile(f"line {line}: the user has no name")
    groups = tuple(record[_COLUMNS].split(",")) if len(record) > _COLUMNS else ()
    return token, User(name, uid, groups)
