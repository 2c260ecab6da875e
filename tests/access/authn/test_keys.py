"""Keys: what files may hold, what tokens and key sets say of them."""

from __future__ import annotations

import base64
import hashlib

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from strongroom.access.authn.jws import claimed_issuer, claimed_key, sign, verify
from strongroom.access.authn.keys import (
    BadKey,
    make_key,
    public_pem,
    signing_key,
    verification_keys,
)
from strongroom.access.authn.keyset import KeySet
from strongroom.access.authn.port import AuthenticationFailed
from strongroom.server.certificates import make_ca
from tests.access.authn.making import NOW, key, pem

ALGORITHMS = {"rsa": "RS256", "p256": "ES256", "p384": "ES384", "p521": "ES512"}


@pytest.mark.parametrize("kind", ALGORITHMS)
def test_every_kind_of_key_signs_and_verifies(kind: str) -> None:
    made = key(kind)
    token = sign(b'{"iss":"me"}', made)
    header = jwt.get_unverified_header(token)
    assert header == {"alg": ALGORITHMS[kind], "kid": made.public.id}
    assert verify(token, [made.public]) == b'{"iss":"me"}'
    # An independent reader finds the key in the set that we publish.
    published = jwt.PyJWK(made.public.jwk())
    assert jwt.decode(token, published, algorithms=[ALGORITHMS[kind]]) == {"iss": "me"}
    assert (claimed_issuer(token), claimed_key(token)) == ("me", made.public.id)


def test_the_id_is_the_hash_of_the_public_key() -> None:
    public = key("rsa").public
    der = public.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode()
    assert public.id == digest.rstrip("=")


def test_files_may_hold_several_keys_of_every_form() -> None:
    certificate = make_ca(NOW).certificate
    file = pem("rsa") + b"a comment\n" + public_pem(key("p256").public.key) + certificate
    found = verification_keys(file)
    assert [k.id for k in found[:2]] == [key("rsa").public.id, key("p256").public.id]
    assert len(found) == 3
    assert signing_key(public_pem(key("p256").public.key) + pem("rsa")).public == found[0]


def test_files_without_a_key_that_can_be_used() -> None:
    broken = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    for file in (b"", b"text", broken, pem("secp256k1")):
        with pytest.raises(BadKey, match="does not contain a valid RSA or ECDSA private key"):
            signing_key(file)
        with pytest.raises(BadKey, match="does not contain any valid RSA or ECDSA public keys"):
            verification_keys(file)


def test_a_key_whose_parts_do_not_belong_together_is_none() -> None:
    numbers, other = (rsa.generate_private_key(65537, 2048).private_numbers() for _ in range(2))
    mixed = rsa.RSAPrivateNumbers(
        numbers.p,
        numbers.q,
        other.d,
        other.dmp1,
        other.dmq1,
        numbers.iqmp,
        numbers.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)
    pem = mixed.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    with pytest.raises(BadKey):
        signing_key(pem)


def test_a_new_key_is_two_files_that_belong_together() -> None:
    private, public = make_key()
    made = signing_key(private)
    assert [k.id for k in verification_keys(public)] == [made.public.id]
    assert made.public.algorithm == "RS256"
    assert "key" not in repr(made.public)


def test_a_token_does_not_choose_how_it_is_looked_at() -> None:
    """The public key of RSA as a shared secret, and no signature at all: the classic forgeries."""
    made = key("rsa")
    signed = sign(b"{}", made).encode()
    head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=")
    body = signed.split(b".")[1]
    mac = hashlib.sha256(public_pem(made.public.key) + head + b"." + body).digest()
    forged = b".".join((head, body, base64.urlsafe_b64encode(mac).rstrip(b"="))).decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode() + f".{body.decode()}."
    for token in (forged, none, sign(b"{}", key("p256")), "a.b.c", "..", ""):
        with pytest.raises(AuthenticationFailed, match="invalid signature"):
            verify(token, [made.public])


def test_keys_are_found_by_their_id() -> None:
    first, second = key("rsa"), key("p256")
    keys = KeySet(first, [second.public])
    assert [k.id for k in keys.keys] == [second.public.id, first.public.id]
    assert list(keys.matching(first.public.id)) == [first.public]
    assert list(keys.matching("")) == list(keys.keys)
    assert not keys.matching("unknown")
    with pytest.raises(AuthenticationFailed, match="no keys found"):
        verify(sign(b"{}", first), keys.matching("unknown"))


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c.d", "!.!.!", "e30.WzFd.x", "e30.\xe9.x"])
def test_what_is_no_token_has_no_issuer(token: str) -> None:
    assert claimed_issuer(token) is None
