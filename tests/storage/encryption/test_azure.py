"""A key in Azure Key Vault, by Microsoft's own client: used, rotated, disabled, denied."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from strongroom.server.encryption.sources import key_source
from strongroom.storage.encryption.keyservice import KeyService
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from tests.storage.encryption.azure_site import AzureSite

WHERE = b"/registry/secrets/default/db"
SEED = b"a seed of a data key, 32 bytes.."


@pytest.fixture(params=[False, True], ids=["rsa", "aes"])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AzureSite]:
    made = AzureSite(tmp_path, aes=request.param)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    made.stop()


def opened(site: AzureSite) -> KeyService:
    return key_source(site.uri).open()


def test_a_rotation_is_followed(site: AzureSite) -> None:
    keys = opened(site)
    wrapped = keys.encrypt(SEED)
    assert keys.decrypt(wrapped) == SEED
    assert wrapped.key_id == keys.status() == f"azurekms:{site.address}/keys/kek/{1:032x}"
    transformer = KMSTransformer("strongroom", keys, lease=60)
    transformer.refresh()
    stored = transformer.to_storage(b"{}", context=WHERE)
    site.rotate()
    transformer.refresh()
    assert transformer.key_id.endswith(f"/{2:032x}")
    again = KMSTransformer("strongroom", opened(site), lease=60)
    again.refresh()
    plain = again.from_storage(stored, context=WHERE)
    assert (plain.value, plain.stale) == (b"{}", True)
    # A version that is named stays the one that writes.
    pinned = key_source(site.uri.replace("/kek?", f"/kek/{1:032x}?")).open()
    assert pinned.status() == wrapped.key_id


def test_seeds_are_not_logged(site: AzureSite, caplog: pytest.LogCaptureFixture) -> None:
    """Not even by the client itself, to whom a log for debugging is its own."""
    caplog.set_level(logging.DEBUG)
    keys = opened(site)
    keys.decrypt(keys.encrypt(SEED))
    told = caplog.text + "".join(repr(record.__dict__) for record in caplog.records)
    assert SEED.decode() not in told
    assert base64.b64encode(SEED).decode().rstrip("=") not in told


def test_what_was_not_encrypted_here(site: AzureSite) -> None:
    keys = opened(site)
    wrapped = keys.encrypt(SEED)
    with pytest.raises(DecryptionFailed, match="it is damaged"):
        keys.decrypt(replace(wrapped, ciphertext=b"\0" * len(wrapped.ciphertext)))
    for key_id in ("local:1", wrapped.key_id.replace("kek", "other"), wrapped.key_id + "/x"):
        with pytest.raises(DecryptionFailed, match="this service holds 'azurekms:"):
            keys.decrypt(replace(wrapped, key_id=key_id))


def test_disabled_denied_gone(site: AzureSite) -> None:
    keys = opened(site)
    wrapped = keys.encrypt(SEED)
    site.enabled = False
    with pytest.raises(KeyServiceError, match="the key is disabled"):
        keys.status()
    with pytest.raises(KeyServiceError, match="disabled"):
        keys.decrypt(wrapped)
    site.enabled = True
    for site.code, message in ((403, "that is denied to us"), (404, "there is no such key")):
        with pytest.raises(KeyServiceError, match=message):
            keys.decrypt(wrapped)
    site.code = 0
    assert keys.decrypt(wrapped) == SEED
    site.secret = "another"
    with pytest.raises(
        KeyServiceError, match="no credentials are found, or they are not taken"
    ) as caught:
        opened(site).status()
    assert "the-secret" not in str(caught.value)
    site.stop()
    with pytest.raises(KeyServiceError, match="cannot be asked: it cannot be reached"):
        keys.status()
