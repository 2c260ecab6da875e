"""What client certificates say, as long as somebody vouches for them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from cryptography import x509

from strongroom.access.authn.authorities import Authorities, OutOfDate
from strongroom.access.authn.port import AuthenticationFailed
from strongroom.api.clock import Clock

T = TypeVar("T")

_MOST_SHOWN = 32
"""Certificates of one client that are read."""


@dataclass(frozen=True, slots=True)
class _Said(Generic[T]):
    said: T
    not_before: datetime
    not_after: datetime


class Vouched(Generic[T]):
    """What ``of`` reads in certificates that the authorities vouch for, as of now.

    Reading and verifying take a fifth of a millisecond, so what came of it is kept by certificate
    (the newest 4096) until the authorities change: every request of a connection offers the same
    bytes object, whose hash Python computes once. Refusals are kept too: where there are proxies,
    their authority refuses everybody else's certificate at every request. What a date refuses is
    not, because dates pass.
    """

    def __init__(
        self,
        authorities: Authorities,
        clock: Clock,
        of: Callable[[x509.Certificate, bytes], T],
        *,
        keep: int = 4096,
    ) -> None:
        self._authorities = authorities
        self._clock = clock
        self._of = of
        self._keep = keep
        self._version = authorities.version
        self._known: OrderedDict[bytes, _Said[T] | str] = OrderedDict()

    def said(self, shown: bytes) -> T:
        """What the first of these certificates says; those behind it lead to an authority.

        Raises AuthenticationFailed when it cannot be read, or nobody vouches for it now.
        """
        if self._version != self._authorities.version:
            self._known.clear()
            self._version = self._authorities.version
        found = self._known.get(shown)
        if found is None:
            return self._learn(shown).said
        if isinstance(found, str):
            raise AuthenticationFailed(found)
        if found.not_before <= self._clock.now() <= found.not_after:
            return found.said
        # It is not good on the way that was found; there may be another.
        return self._learn(shown).said

    def _learn(self, shown: bytes) -> _Said[T]:
        found: _Said[T] | str
        try:
            found = self._read(shown)
        except OutOfDate:
            raise
        except AuthenticationFailed as error:
            self._note(shown, str(error))
            raise
        self._note(shown, found)
        return found

    def _read(self, shown: bytes) -> _Said[T]:
        try:
            ders = list(elements(shown))
            certificates = [x509.load_der_x509_certificate(der) for der in ders]
        except ValueError as error:
            raise AuthenticationFailed("the client certificate cannot be read") from error
        span = self._authorities.check(certificates, self._clock.now())
        return _Said(self._of(certificates[0], ders[0]), *span)

    def _note(self, shown: bytes, found: _Said[T] | str) -> None:
        self._known[shown] = found
        if len(self._known) > self._keep:
            self._known.popitem(last=False)


def elements(shown: bytes) -> Iterator[bytes]:
    """The DER elements that stand one behind the other. Raises ValueError."""
    for _ in range(_MOST_SHOWN):
        length = _length(shown)
        yield shown[:length]
        shown = shown[length:]
        if not shown:
            return
    raise ValueError("too many certificates")


def _length(der: bytes) -> int:
    """How long the first DER element is. Raises ValueError when it is not all there."""
    if len(der) < 2:
        raise ValueError("no certificate")
    length = 2 + der[1]
    if der[1] >= 0x80:
        size = der[1] & 0x7F
        length = 2 + size + int.from_bytes(der[2 : 2 + size], "big")
    if length > len(der):
        raise ValueError("half a certificate")
    return length
