"""What a ServiceAccount token says (``pkg/serviceaccount/claims.go`` and ``legacy.go``)."""

from __future__ import annotations

import msgspec

ISSUED_FOR_SECRETS = "kubernetes/serviceaccount"
"""The issuer of tokens that are kept in Secrets, whatever the server's own issuer is."""

_LEGACY = "kubernetes.io/serviceaccount/"


class Named(msgspec.Struct, omit_defaults=True):
    """An object that a token is for, or is bound to."""

    name: str = ""
    uid: str = ""


class Private(msgspec.Struct, omit_defaults=True):
    """The claims under ``kubernetes.io``."""

    namespace: str = ""
    node: Named | None = None
    pod: Named | None = None
    secret: Named | None = None
    serviceaccount: Named = msgspec.field(default_factory=Named)
    warnafter: float | None = None


class Claims(msgspec.Struct, omit_defaults=True):
    """All claims. A token in a Secret has a subject, an issuer and the last four."""

    aud: list[str] | str = []
    exp: float | None = None
    iat: float | None = None
    iss: str = ""
    jti: str = ""
    kubernetes: Private | None = msgspec.field(default=None, name="kubernetes.io")
    nbf: float | None = None
    sub: str = ""
    namespace: str = msgspec.field(default="", name=f"{_LEGACY}namespace")
    secret_name: str = msgspec.field(default="", name=f"{_LEGACY}secret.name")
    account_name: str = msgspec.field(default="", name=f"{_LEGACY}service-account.name")
    account_uid: str = msgspec.field(default="", name=f"{_LEGACY}service-account.uid")

    def __repr__(self) -> str:
        return "<Claims>"

    @property
    def audiences(self) -> tuple[str, ...]:
        return (self.aud,) if isinstance(self.aud, str) else tuple(self.aud)


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Claims)


def encode_claims(claims: Claims) -> bytes:
    """The payload of a token."""
    return _encoder.encode(claims)


def decode_claims(payload: bytes) -> Claims:
    """What a payload says. Raises ValueError, whose text quotes nothing of it."""
    try:
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ValueError("the token's claims cannot be read") from None
