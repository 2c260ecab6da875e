"""Tokens and what they depend on, made by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from strongroom.access.authn.account_tokens import AccountTokens
from strongroom.access.authn.bound_tokens import BoundTokens
from strongroom.access.authn.issuing import Issuer
from strongroom.access.authn.keys import SigningKey, signing_key
from strongroom.access.authn.keyset import KeySet
from strongroom.access.authn.objects import Stored
from strongroom.access.authn.secret_tokens import SecretTokens
from strongroom.api.meta import Object, ObjectMeta
from strongroom.resources.secret import Secret
from strongroom.resources.serviceaccount import ServiceAccount
from strongroom.testing.clock import ManualClock

ISSUER = "https://issuer.example"
SERVER = ("server",)
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@cache
def pem(kind: str) -> bytes:
    """A private key: ``rsa``, ``rsa-2`` or the name of a curve."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kind.startswith("rsa"):
        key = rsa.generate_private_key(65537, 2048)
    else:
        curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
        key = ec.generate_private_key(curves.get(kind) or ec.SECP256K1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key(kind: str = "p256") -> SigningKey:
    return signing_key(pem(kind))


class Held:
    """An object as it stands."""

    def __init__(self, obj: Object) -> None:
        self.obj = obj
        self.looks = 0

    def peek(self) -> Object:
        self.looks += 1
        return self.obj


@dataclass
class World:
    """Objects, keys and a clock, with the authenticator that asks them."""

    keys: KeySet = field(default_factory=lambda: KeySet(key(), ()))
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    objects: dict[tuple[str, str, str], Held] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    used: list[tuple[str, str]] = field(default_factory=list)
    lookup: bool = True
    still: bool = False
    """Whether nothing at all is written any more."""
    looks: int = 0
    _revision: int = 0

    def __post_init__(self) -> None:
        self.put("serviceaccounts", ServiceAccount(metadata=meta("bot", "sa-1")))
        bound = BoundTokens(self, self.clock, self._count)
        in_secrets = SecretTokens(self, self.clock, self._count, self._note, lookup=self.lookup)
        self.tokens = AccountTokens(
            self, [ISSUER, "https://old"], SERVER, bound, in_secrets, self, self.clock
        )
        self.issuer = Issuer(self, ISSUER)

    def put(self, plural: str, obj: Object) -> Held:
        held = self.objects[plural, obj.metadata.namespace, obj.metadata.name] = Held(obj)
        return held

    @property
    def revision(self) -> int:
        self._revision += not self.still
        return self._revision

    async def find(self, plural: str, namespace: str, name: str) -> Stored | None:
        self.looks += 1
        return self.objects.get((plural, namespace, name))

    async def get(self, plural: str, namespace: str, name: str) -> Object | None:
        held = self.objects.get((plural, namespace, name))
        return None if held is None else held.obj

    def current(self) -> KeySet:
        return self.keys

    def newest(self) -> KeySet:
        return self.keys

    def _count(self, name: str) -> None:
        self.counted[name] += 1

    def _note(self, secret: Secret, day: str) -> None:
        self.used.append((secret.metadata.name, day))


def meta(name: str, uid: str, namespace: str = "default", **more: object) -> ObjectMeta:
    return ObjectMeta(name=name, namespace=namespace, uid=uid, **more)  # type: ignore[arg-type]  # of the fields of metadata
