"""A key in Google Cloud KMS, by Google's own client: used, rotated, and garbled on the way."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.auth.credentials import AnonymousCredentials
from google.cloud.kms_v1 import CryptoKey, KeyManagementServiceClient, KeyRing
from google.cloud.kms_v1.services.key_management_service import transports
from requests.exceptions import ConnectionError as Unreachable

from strongroom.storage.encryption.gcp import GcpKey, GcpKms
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from tests.storage.encryption.clouds import drongo
from tests.storage.encryption.google_site import NAME, GoogleSite
from tests.waiting import eventually

WHERE = b"/registry/secrets/default/db"
SEED = b"a seed of a data key, 32 bytes.."


@pytest.fixture
def site() -> Iterator[GoogleSite]:
    made = GoogleSite()
    yield made
    made.stop()


@pytest.fixture
def kms(site: GoogleSite) -> Iterator[GcpKms]:
    made = GcpKms(GcpKey(NAME, f"http://{site.address}", 20.0))
    yield made
    made.close()


@pytest.mark.needs("drongo")
def test_seeds_go_to_a_stand_in_of_others(tmp_path: Path) -> None:
    """Which was not written by whoever wrote the client's caller."""
    with drongo(tmp_path) as url:
        admin = KeyManagementServiceClient(
            transport=transports.KeyManagementServiceRestTransport(
                host=url.removeprefix("http://"),
                url_scheme="http",
                credentials=AnonymousCredentials(),
            )
        )

        def ring() -> Any:
            try:
                return admin.create_key_ring(
                    parent="projects/p/locations/l", key_ring_id="r", key_ring=KeyRing()
                )
            except Unreachable:
                return None

        made = eventually(ring)
        admin.create_crypto_key(
            parent=made.name, crypto_key_id="k", crypto_key=CryptoKey(purpose=1)
        )
        admin.transport.close()
        kms = GcpKms(GcpKey(f"{made.name}/cryptoKeys/k", url, 20.0))
        wrapped = kms.encrypt(SEED)
        assert wrapped.key_id == f"gcpkms:{made.name}/cryptoKeys/k/cryptoKeyVersions/1"
        assert (kms.decrypt(wrapped), kms.status()) == (SEED, wrapped.key_id)
        kms.close()


def test_a_rotation_is_followed(site: GoogleSite, kms: GcpKms) -> None:
    transformer = KMSTransformer("strongroom", kms, lease=60)
    transformer.refresh()
    old = transformer.key_id
    assert old == f"gcpkms:{NAME}/cryptoKeyVersions/1"
    stored = transformer.to_storage(b"{}", context=WHERE)
    site.keys.append(AESGCM(AESGCM.generate_key(256)))
    transformer.refresh()
    assert transformer.key_id == f"gcpkms:{NAME}/cryptoKeyVersions/2"
    again = KMSTransformer("strongroom", kms, lease=60)
    again.refresh()
    plain = again.from_storage(stored, context=WHERE)
    assert (plain.value, plain.stale) == (b"{}", True)
    site.disabled.add(1)
    after = KMSTransformer("strongroom", kms, lease=60)
    after.refresh()
    with pytest.raises(DecryptionFailed, match="that version is disabled or destroyed"):
        after.from_storage(stored, context=WHERE)


def test_seeds_are_not_logged(kms: GcpKms, caplog: pytest.LogCaptureFixture) -> None:
    """Not even by the client itself, to whom a log for debugging is its own."""
    caplog.set_level(logging.DEBUG)

    kms.decrypt(kms.encrypt(SEED))
    told = caplog.text + "".join(repr(record.__dict__) for record in caplog.records)
    assert SEED.decode() not in told
    assert base64.b64encode(SEED).decode().rstrip("=") not in told


def test_what_was_not_encrypted_here(kms: GcpKms) -> None:
    wrapped = kms.encrypt(SEED)
    with pytest.raises(DecryptionFailed, match="it is damaged"):
        kms.decrypt(replace(wrapped, ciphertext=wrapped.ciphertext[:-1] + b"\0\0"))
    for key_id in (
        "local:1",
        f"gcpkms:{NAME}/cryptoKeyVersions/x",
        f"gcpkms:{NAME}2/cryptoKeyVersions/1",
    ):
        with pytest.raises(DecryptionFailed, match="this service holds 'gcpkms:"):
            kms.decrypt(replace(wrapped, key_id=key_id))


LIES: dict[str, Any] = {
    "ciphertextCrc32c": "1",
    "verifiedPlaintextCrc32c": False,
    "verifiedAdditionalAuthenticatedDataCrc32c": False,
    "ciphertext": "AAAA",
}


@pytest.mark.parametrize("name", LIES)
def test_what_was_changed_on_the_way_is_not_taken(site: GoogleSite, kms: GcpKms, name: str) -> None:
    wrapped = kms.encrypt(SEED)
    site.lies = {name: LIES[name]}
    with pytest.raises(KeyServiceError, match="a checksum is wrong"):
        kms.encrypt(SEED)
    site.lies = {"plaintext": "AAAA"}
    with pytest.raises(KeyServiceError, match="a checksum is wrong"):
        kms.decrypt(wrapped)
    site.lies = {"name": "projects/other"}
    with pytest.raises(KeyServiceError, match="in a form that nobody knows"):
        kms.encrypt(SEED)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (400, "the version that encrypts is disabled"),
        (403, "that is denied to us"),
        (404, "there is no such key"),
        (503, "encrypt: HTTP 503"),
    ],
)
def test_what_google_refuses(site: GoogleSite, kms: GcpKms, code: int, message: str) -> None:
    site.code = code
    with pytest.raises(KeyServiceError, match=message) as caught:
        kms.encrypt(SEED)
    # Nothing of what was sent, which Google's answer may hold.
    assert "what was sent" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_google_is_away(
    kms: GcpKms, site: GoogleSite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = GcpKms(GcpKey(NAME, "http://127.0.0.1:1", 5.0))
    with pytest.raises(KeyServiceError, match="it cannot be reached"):
        gone.status()
    gone.close()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(KeyServiceError, match="no credentials are found"):
        GcpKms(GcpKey(NAME)).status()
