"""Keys in Vault or OpenBao, as a URI names them.

    vault:https://HOST:PORT/MOUNT/keys/NAME?token-file=FILE
    …?auth=kubernetes&role=ROLE[&jwt-file=FILE]
    …?auth=approle&role-id-file=FILE&secret-id-file=FILE
    …?auth=cert&cert-file=FILE&key-file=FILE[&role=ROLE]

and with each of them `namespace=NAME`, `ca-file=FILE`, `auth-mount=PATH`, `timeout=DURATION`; a
client's certificate may be given with any login. No setting holds a secret: files do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from strongroom.server.encryption.remote_source import HeldElsewhere
from strongroom.server.encryption.settings import settings_of, timeout_of
from strongroom.storage.encryption.vault import TransitKey, Vault
from strongroom.storage.encryption.vault_link import VaultLink
from strongroom.storage.encryption.vault_login import LoggedIn, Login, TokenFile, secret_of

_VAULT: Final = "vault"
_JWT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_FILES = {"ca-file", "token-file", "jwt-file", "role-id-file", "secret-id-file"} | {
    "cert-file",
    "key-file",
}
_KNOWN = _FILES | {"namespace", "auth", "auth-mount", "role", "timeout"}
_NEEDED = {
    "token": {"token-file"},
    "kubernetes": {"role"},
    "approle": {"role-id-file", "secret-id-file"},
    "cert": {"cert-file", "key-file"},
}


@dataclass(frozen=True, slots=True)
class VaultSource(HeldElsewhere):
    """A key of a transit engine, and how to log in there."""

    link: VaultLink
    key: TransitKey
    auth: str
    settings: dict[str, str] = field(hash=False)

    def __str__(self) -> str:
        return f"{_VAULT}:{self.link.address}/{self.key}"

    @property
    def files(self) -> tuple[Path, ...]:
        """What pods and other users must not see."""
        return tuple(
            Path(value)
            for name, value in self.settings.items()
            if name in _FILES - {"ca-file", "cert-file"}
        )

    @property
    def advice(self) -> str:
        """What to do in place of what cannot be done here."""
        return (
            f"the key is in {self}: rotate it there (`bao write -f {self.key}/rotate`), and when "
            "`strongroom keys status` shows the new version, run `strongroom keys rewrap`; old "
            f"versions end there too, by min_decryption_version of {self.key}/config"
        )

    def open(self, *, new: bool = False) -> Vault:
        """The key service, which has not been asked anything yet."""
        return Vault(self.link, self._login(), self.key)

    def _login(self) -> Login:
        if self.auth == "token":
            return TokenFile(self.link, Path(self.settings["token-file"]))
        mount = self.settings.get("auth-mount", self.auth)
        return LoggedIn(self.link, f"auth/{mount}/login", self._credentials())

    def _credentials(self) -> Callable[[], dict[str, str]]:
        found = self.settings
        if self.auth == "kubernetes":
            jwt = Path(found.get("jwt-file", _JWT))
            return lambda: {"role": found["role"], "jwt": secret_of(jwt, shared=True)}
        if self.auth == "approle":
            role, secret = Path(found["role-id-file"]), Path(found["secret-id-file"])
            return lambda: {
                "role_id": secret_of(role, shared=True),
                "secret_id": secret_of(secret),
            }
        return lambda: {"name": found["role"]} if "role" in found else {}


def vault_source(text: str) -> VaultSource:
    """What a URI names, without its ``vault:``. Raises ValueError, which quotes no setting."""
    parts = urlsplit(text)
    settings = _settings(parts.query)
    mount, between, name = unquote(parts.path).strip("/").rpartition("/keys/")
    if not between or not mount or not name or "/" in name or parts.fragment:
        raise ValueError("the path of the key is MOUNT/keys/NAME")
    auth = settings.get("auth", "token")
    if auth not in _NEEDED:
        raise ValueError(f"auth is one of {', '.join(_NEEDED)}")
    if missing := _NEEDED[auth] - settings.keys():
        raise ValueError(f"auth={auth} needs {', '.join(sorted(missing))}")
    link = VaultLink(
        f"{parts.scheme}://{parts.netloc}",
        settings.get("namespace", ""),
        _path(settings, "ca-file"),
        _path(settings, "cert-file"),
        _path(settings, "key-file"),
        timeout_of(settings),
    )
    return VaultSource(link, TransitKey(mount, name), auth, settings)


def _settings(query: str) -> dict[str, str]:
    return {
        name: str(Path(value).absolute()) if name in _FILES else value
        for name, value in settings_of(query, _KNOWN, "Vault").items()
    }


def _path(settings: dict[str, str], name: str) -> Path | None:
    return Path(settings[name]) if name in settings else None
