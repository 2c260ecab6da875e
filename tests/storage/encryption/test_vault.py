"""A key that a real OpenBao holds: used, rotated, denied, gone, hanging, and sealed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.port import DecryptionFailed, KeyFileUnsafe, KeyServiceError
from strongroom.storage.encryption.vault import TransitKey, Vault
from strongroom.storage.encryption.vault_link import VaultLink
from strongroom.storage.encryption.vault_login import LoggedIn, TokenFile
from tests.storage.encryption.bao import Bao

pytestmark = pytest.mark.needs("bao")

WHERE = b"/registry/secrets/default/db"
KEY = TransitKey("transit", "strongroom")


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    server = Bao(tmp_path_factory.mktemp("bao"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def link(bao: Bao) -> VaultLink:
    return VaultLink(bao.url, ca_file=bao.ca, timeout=20)


@pytest.fixture(scope="module")
def vault(bao: Bao, link: VaultLink) -> Vault:
    return Vault(link, TokenFile(link, bao.token_file("strongroom")), KEY)


def test_seeds_go_to_vault_and_back(vault: Vault, bao: Bao) -> None:
    wrapped = vault.encrypt(b"seed")
    assert wrapped.key_id == vault.status()
    assert wrapped.key_id.startswith("vault:transit/strongroom:v")
    assert vault.decrypt(wrapped) == b"seed"
    # Vault's own client reads it too.
    asked = {"ciphertext": wrapped.ciphertext.decode()}
    assert bao.ask("transit/decrypt/strongroom", asked)["data"]["plaintext"] == "c2VlZA=="


def test_a_rotation_is_followed(vault: Vault, bao: Bao) -> None:
    transformer = KMSTransformer("strongroom", vault, lease=60)
    transformer.refresh()
    old = transformer.key_id
    stored = transformer.to_storage(b"{}", context=WHERE)
    bao.rotate()
    transformer.refresh()
    assert transformer.key_id != old
    assert transformer.key_id == vault.status()
    plain = transformer.from_storage(stored, context=WHERE)
    assert (plain.value, plain.stale) == (b"{}", True)
    again = KMSTransformer("strongroom", vault, lease=60)
    again.refresh()
    assert again.from_storage(stored, context=WHERE).value == b"{}"
    # A version that is ended opens nothing.
    config = {"min_decryption_version": int(transformer.key_id.rpartition(":v")[2])}
    bao.ask("transit/keys/strongroom/config", config)
    after = KMSTransformer("strongroom", vault, lease=60)
    with pytest.raises(DecryptionFailed, match=rf"does not decrypt .* '{old}' \(HTTP 400\)"):
        after.from_storage(stored, context=WHERE)


def test_what_was_not_encrypted_here(vault: Vault) -> None:
    wrapped = vault.encrypt(b"seed")
    changed = wrapped.ciphertext[:-6] + (
        b"AAAAA=" if wrapped.ciphertext[-1:] == b"=" else b"AAAAAA"
    )
    with pytest.raises(DecryptionFailed, match="it is damaged"):
        vault.decrypt(replace(wrapped, ciphertext=changed))
    for other in (
        replace(wrapped, key_id="local:1234"),
        replace(wrapped, key_id="vault:transit/strongroom:v999"),
        Wrapped(b"junk", wrapped.key_id),
    ):
        with pytest.raises(DecryptionFailed, match="this service holds 'vault:transit/strongroom:"):
            vault.decrypt(other)


def test_a_missing_key_is_not_made(link: VaultLink, bao: Bao) -> None:
    """With all rights, encrypting would make it."""
    root = TokenFile(link, bao.private("root", "root"))
    with pytest.raises(KeyServiceError, match=r"there is no such key \(HTTP 404\)"):
        Vault(link, root, TransitKey("transit", "none")).status()
    assert "none" not in bao.ask("transit/keys", method="LIST")["data"]["keys"]


def test_a_key_of_another_sort(link: VaultLink, bao: Bao) -> None:
    bao.ask("transit/keys/signs", {"type": "ed25519"})
    root = TokenFile(link, bao.private("root", "root"))
    with pytest.raises(KeyServiceError, match=r"cannot encrypt \(HTTP 400\)"):
        Vault(link, root, TransitKey("transit", "signs")).status()


def test_rights_that_lack(link: VaultLink, bao: Bao) -> None:
    vault = Vault(link, TokenFile(link, bao.token_file("default", name="little")), KEY)
    with pytest.raises(KeyServiceError, match=r"encrypt is denied to us \(HTTP 403\)"):
        vault.status()
    wrapped = Wrapped(b"vault:v1:AAAA", "vault:transit/strongroom:v1")
    with pytest.raises(KeyServiceError, match="decrypt is denied to us"):
        vault.decrypt(wrapped)


def test_a_token_that_is_renewed_in_its_file(link: VaultLink, bao: Bao) -> None:
    path = bao.private("renewed", "s.nobody")
    vault = Vault(link, TokenFile(link, path), KEY)
    with pytest.raises(KeyServiceError, match="denied"):
        vault.encrypt(b"seed")
    path.write_text(bao.token_file("strongroom", name="new").read_text())
    assert vault.encrypt(b"seed").key_id


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [("s.x", 0o644, "everybody may read it"), ("", 0o600, "no token"), ("a\nb", 0o600, "no token")],
)
def test_files_that_hold_no_token(
    link: VaultLink, tmp_path: Path, content: str, mode: int, message: str
) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(KeyServiceError, match=message) as caught:
        Vault(link, TokenFile(link, path), KEY).status()
    assert isinstance(caught.value, KeyFileUnsafe) == (mode == 0o644)
    assert "s.x" not in str(caught.value)


def test_a_login_is_done_again_when_its_token_is_taken_back(link: VaultLink, bao: Bao) -> None:
    bao.ask("sys/auth/approle", {"type": "approle"})
    bao.ask("auth/approle/role/room", {"token_policies": "strongroom", "token_ttl": "1h"})
    found = {
        "role_id": bao.ask("auth/approle/role/room/role-id")["data"]["role_id"],
        "secret_id": bao.ask("auth/approle/role/room/secret-id", {})["data"]["secret_id"],
    }
    logins = []

    def credentials() -> dict[str, str]:
        logins.append(1)
        return found

    vault = Vault(link, LoggedIn(link, "auth/approle/login", credentials), KEY)
    vault.status()
    vault.status()
    assert len(logins) == 1
    bao.ask("sys/leases/revoke-prefix/auth/approle", {}, "PUT")
    vault.status()
    assert len(logins) == 2
    found["secret_id"] = "another"
    bao.ask("sys/leases/revoke-prefix/auth/approle", {}, "PUT")
    with pytest.raises(KeyServiceError, match="refuses the login at auth/approle/login") as caught:
        vault.status()
    assert "another" not in str(caught.value)


def test_a_token_is_had_anew_before_it_ends(link: VaultLink, bao: Bao) -> None:
    bao.ask("sys/auth/soon", {"type": "approle"})
    bao.ask("auth/soon/role/room", {"token_policies": "strongroom", "token_ttl": "90s"})
    found = {
        "role_id": bao.ask("auth/soon/role/room/role-id")["data"]["role_id"],
        "secret_id": bao.ask("auth/soon/role/room/secret-id", {})["data"]["secret_id"],
    }
    logins, now = [], [0.0]

    def credentials() -> dict[str, str]:
        logins.append(now[0])
        return found

    vault = Vault(link, LoggedIn(link, "auth/soon/login", credentials, lambda: now[0]), KEY)
    for now[0] in (0.0, 59.0, 61.0):
        vault.status()
    assert logins == [0.0, 61.0]


def test_a_server_of_somebody_else_is_told_nothing(bao: Bao) -> None:
    stranger = VaultLink(bao.url, timeout=20)
    with pytest.raises(KeyServiceError, match="is not trusted: "):
        Vault(stranger, TokenFile(stranger, bao.private("root", "root")), KEY).status()


def test_vault_hangs_then_is_sealed_then_gone(tmp_path: Path) -> None:
    bao = Bao(tmp_path)
    try:
        link = VaultLink(bao.url, ca_file=bao.ca, timeout=20)
        login = TokenFile(link, bao.token_file("strongroom"))
        vault = Vault(link, login, KEY)
        wrapped = vault.encrypt(b"seed")
        bao.pause()
        short = replace(link, timeout=0.2)
        with pytest.raises(KeyServiceError, match=r"has not answered within 0\.2 s"):
            Vault(short, login_with(short, login), KEY).decrypt(wrapped)
        bao.go_on()
        assert vault.decrypt(wrapped) == b"seed"
        bao.ask("sys/seal", {})
        with pytest.raises(KeyServiceError, match="is sealed, or not ready"):
            vault.decrypt(wrapped)
    finally:
        bao.stop()
    with pytest.raises(KeyServiceError, match="cannot be asked: Connection refused"):
        vault.decrypt(wrapped)


def login_with(link: VaultLink, login: TokenFile) -> TokenFile:
    return replace(login, link=link)


@pytest.mark.parametrize(
    "address",
    [
        "http://vault:8200",
        "ftp://127.0.0.1",
        "https://",
        "vault:8200",
        "https://u@v",
        "https://v/p",
    ],
)
def test_addresses_that_keys_are_not_sent_to(address: str) -> None:
    with pytest.raises(ValueError, match="address of Vault"):
        VaultLink(address)


def test_nothing_shows_tokens(vault: Vault, bao: Bao) -> None:
    token = (bao.directory / "token").read_text().strip()
    assert token not in repr(vault) + json.dumps(repr(vault.__dict__))
