"""Tokens of ServiceAccounts: signatures, issuers, audiences (``pkg/serviceaccount/jwt.go``).

A signature is checked once for each token and each set of keys, and the answer is kept by the
token's hash. What a token depends on besides, time and objects, is looked at in every request: so
a token ends in the moment in which its account, pod, Secret or node does. Only while nothing at all
has been written since the last look, and until the time at which the answer would be another, the
last answer is given again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from strongroom.access.authn.claims import ISSUED_FOR_SECRETS, Claims, decode_claims
from strongroom.access.authn.jws import claimed_issuer, claimed_key, verify
from strongroom.access.authn.keyset import Keys, KeySet
from strongroom.access.authn.objects import Objects, Stored
from strongroom.access.authn.port import Authenticated, AuthenticationFailed
from strongroom.access.user import User
from strongroom.api.clock import Clock
from strongroom.api.gotext import quotes

LEGACY = "authentication.k8s.io/legacy-token"

LONGEST = 16 * 1024
"""Characters of a token that is remembered: one may be a million, if its audiences are many."""


@dataclass(slots=True)
class Known:
    """A token whose signature holds, and what its judge remembers of it.

    ``seen`` are the objects by which ``user`` was found right. While they are the same, so is he.
    """

    keys: KeySet
    claims: Claims
    judge: Judge
    seen: tuple[Stored | None, ...] = ()
    user: User | None = None
    last_used: str = ""
    """The day that the Secret which has the token is labelled with."""
    warnings: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    until: float = 0.0
    """The time until which the judge would say the same of the same objects."""
    again: Callable[[], None] | None = None
    """Counts one more use."""
    answer: Authenticated | None = None
    """The last answer: to ``asked``, at ``revision``."""
    asked: tuple[str, ...] = ()
    revision: int = 0


class Judge(Protocol):
    """Judges tokens of one issuer by time and objects."""

    async def judge(self, known: Known, token: str) -> tuple[User, Mapping[str, str]]:
        """Whose the token is now, with annotations for the audit log.

        Raises AuthenticationFailed. May leave in ``known`` what it has found out.
        """
        ...


class AccountTokens:
    """Knows tokens of ServiceAccounts: those of our issuers, and those that Secrets keep.

    ``audiences`` are the API server's own, for which tokens without any are meant.
    """

    def __init__(
        self,
        keys: Keys,
        issuers: Collection[str],
        audiences: tuple[str, ...],
        bound: Judge,
        in_secrets: Judge,
        objects: Objects,
        clock: Clock,
        *,
        keep: int = 4096,
    ) -> None:
        self._keys = keys
        self._objects = objects
        self._clock = clock
        self._audiences = audiences
        # Our own issuer may be called like that of tokens in Secrets; those have no ``exp``, and
        # are told apart as upstream does: the judge of Secrets comes first.
        self._judges = dict.fromkeys(issuers, bound) | {ISSUED_FOR_SECRETS: in_secrets}
        self._keep = keep
        self._known: dict[bytes, Known] = {}

    async def authenticate_token(
        self, token: str, audiences: tuple[str, ...]
    ) -> Authenticated | None:
        """Whose the token is; None when it has another issuer."""
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        known = self._known.get(digest)
        if known is None or known.keys is not self._keys.current():
            known = self._read(token)
            if known is None:
                return None
            if len(token) <= LONGEST:
                self._remember(digest, known)
        elif self._holds_still(known, audiences):
            if known.again is not None:
                known.again()
            return known.answer
        # Before the look: what is written meanwhile makes for another one.
        revision = self._objects.revision
        known.answer, known.until = None, 0.0
        meant, annotations = self._meant(known.claims, audiences)
        user, told = await known.judge.judge(known, token)
        if told:
            annotations = {**annotations, **told}
        answer = Authenticated(user, meant, known.warnings, annotations)
        known.answer, known.asked, known.revision = answer, audiences, revision
        return answer

    def _holds_still(self, known: Known, audiences: tuple[str, ...]) -> bool:
        """Whether there is an answer that nothing can have changed."""
        return (
            known.answer is not None
            and known.revision == self._objects.revision
            and known.asked == audiences
            and self._clock.now().timestamp() < known.until
        )

    def _read(self, token: str) -> Known | None:
        """Check the signature. Raises AuthenticationFailed."""
        issuer = claimed_issuer(token)
        judge = self._judges.get(issuer) if issuer is not None else None
        if judge is None:
            return None
        keys, key_id = self._keys.current(), claimed_key(token)
        if not keys.matching(key_id):
            # Another server may have begun to sign with a key that is new to us.
            keys = self._keys.newest()
        try:
            claims = decode_claims(verify(token, keys.matching(key_id)))
        except ValueError as error:
            raise AuthenticationFailed(str(error)) from None
        return Known(keys, claims, judge)

    def _remember(self, digest: bytes, known: Known) -> None:
        if len(self._known) >= self._keep:
            # The oldest goes. One that is still in use is back at once.
            del self._known[next(iter(self._known))]
        self._known[digest] = known

    def _meant(
        self, claims: Claims, wanted: tuple[str, ...]
    ) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """The audiences that are both wanted and the token's. Raises AuthenticationFailed."""
        annotations: Mapping[str, str] = {}
        given = claims.audiences
        if not given:
            given, annotations = self._audiences, {LEGACY: claims.sub}
        if given is wanted:
            return wanted, annotations
        meant = tuple(audience for audience in wanted if audience in given)
        if not meant:
            raise AuthenticationFailed(
                f"token audiences {quotes(given)} is invalid for the target audiences "
                f"{quotes(wanted)}"
            )
        return meant, annotations
