"""What new tokens of ServiceAccounts say, and their signature."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from strongroom.access.authn.accounts import username
from strongroom.access.authn.claims import (
    ISSUED_FOR_SECRETS,
    Claims,
    Named,
    Private,
    encode_claims,
)
from strongroom.access.authn.jws import sign
from strongroom.access.authn.keyset import Keys
from strongroom.api.meta import ObjectMeta


class NoSigningKey(Exception):
    """The server has no key that signs."""


@dataclass(frozen=True, slots=True)
class Order:
    """A token to be made, and what it is bound to. ``warn_after`` is 0 for no warning."""

    account: ObjectMeta
    audiences: tuple[str, ...]
    seconds: int
    warn_after: int = 0
    pod: Named | None = None
    node: Named | None = None
    secret: Named | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A token with its id. The repr shows no token."""

    token: str
    id: str

    def __repr__(self) -> str:
        return f"<Issued {self.id}>"


class Issuer:
    """Makes tokens, signed with the key of the moment."""

    def __init__(self, keys: Keys, name: str) -> None:
        self._keys = keys
        self._name = name

    def issue(self, order: Order, now: datetime) -> Issued:
        """A token with an end. Raises NoSigningKey."""
        at, account = int(now.timestamp()), order.account
        claims = Claims(
            aud=list(order.audiences),
            exp=at + order.seconds,
            iat=at,
            iss=self._name,
            jti=str(uuid.uuid4()),
            nbf=at,
            sub=username(account.namespace, account.name),
            kubernetes=Private(
                namespace=account.namespace,
                node=order.node,
                pod=order.pod,
                secret=order.secret,
                serviceaccount=Named(account.name, account.uid),
                warnafter=at + order.warn_after if order.warn_after else None,
            ),
        )
        return Issued(self._sign(claims), claims.jti)

    def issue_for_secret(self, account: ObjectMeta, secret: str) -> str:
        """A token without an end, for a Secret to keep. Raises NoSigningKey."""
        return self._sign(
            Claims(
                iss=ISSUED_FOR_SECRETS,
                sub=username(account.namespace, account.name),
                namespace=account.namespace,
                secret_name=secret,
                account_name=account.name,
                account_uid=account.uid,
            )
        )

    def _sign(self, claims: Claims) -> str:
        key = self._keys.newest().signing
        if key is None:
            raise NoSigningKey("there is no key that signs tokens")
        return sign(encode_claims(claims), key)
