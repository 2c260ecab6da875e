"""Tokens for Vault: from a file that somebody else renews, or by a login with files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from strongroom.storage.encryption.keyfile import MAX_FILE
from strongroom.storage.encryption.port import KeyFileUnsafe, KeyServiceError
from strongroom.storage.encryption.vault_link import Denied, Refused, VaultLink


class Login(Protocol):
    """Asks Vault with a token that it has, or gets."""

    def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        """As ``VaultLink.ask``."""
        ...


@dataclass(frozen=True, slots=True)
class TokenFile:
    """The token of a file, read each time: an agent of Vault renews it there."""

    link: VaultLink
    path: Path

    def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        return self.link.ask(method, path, body, secret_of(self.path))


class LoggedIn:
    """A token that is had by a login, and again before it ends or when it is refused.

    ``credentials`` are the names of a login's fields, and what tells each. Safe for threads.
    """

    def __init__(
        self,
        link: VaultLink,
        path: str,
        credentials: Callable[[], dict[str, str]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link, self._path, self._credentials = link, path, credentials
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0
        # What a token that was had just now does not allow: no login helps against that.
        self._lacking: set[str] = set()

    def __repr__(self) -> str:
        return f"LoggedIn({self._path!r})"

    def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        token, fresh = self._have("")
        try:
            return self._link.ask(method, path, body, token)
        except Denied:
            if fresh:
                self._lacking.add(path)
            if path in self._lacking:
                raise
        return self._ask_anew(token, method, path, body)

    def _ask_anew(
        self, refused: str, method: str, path: str, body: dict[str, str] | None
    ) -> dict[str, Any]:
        """Ask once more with another token: the one that was refused may have been taken back."""
        token, _ = self._have(refused)
        try:
            return self._link.ask(method, path, body, token)
        except Denied:
            self._lacking.add(path)
            raise

    def _have(self, refused: str) -> tuple[str, bool]:
        """A token other than the one that was refused, and whether it was had just now."""
        with self._lock:
            if self._token != refused and self._monotonic() < self._until:
                return self._token, False
            begun = self._monotonic()
            try:
                answer = self._link.ask("POST", self._path, self._credentials())
            except Refused as error:
                raise KeyServiceError(
                    f"Vault at {self._link.address} refuses the login at {self._path} "
                    f"(HTTP {error.code})"
                ) from None
            self._token, lasts = self._granted(answer)
            # A token that never ends is asked for anew each hour: it can be taken back.
            self._until = begun + (min(lasts * 2 / 3, 3600.0) if lasts else 3600.0)
            return self._token, True

    def _granted(self, answer: dict[str, Any]) -> tuple[str, float]:
        granted = answer.get("auth")
        token = granted.get("client_token") if isinstance(granted, dict) else None
        lasts = granted.get("lease_duration") if isinstance(granted, dict) else None
        if not isinstance(token, str) or not isinstance(lasts, int | float):
            raise KeyServiceError(
                f"Vault at {self._link.address} answers the login at {self._path} without a token"
            )
        return token, float(lasts)


def secret_of(path: Path, *, shared: bool = False) -> str:
    """The text of a file, which not everybody may read unless ``shared``. Raises KeyServiceError.

    A group may: the agent of Vault writes its tokens so.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_FILE)
    except OSError as error:
        raise KeyServiceError(f"cannot read {path}: {error.strerror}") from None
    if mode & 0o007 and not shared:
        raise KeyFileUnsafe(
            f"{path} has mode {mode & 0o777:04o}: everybody may read it; run `chmod o= {path}` and "
            "consider what it holds known"
        )
    text = content.decode("ascii", "replace").strip()
    if not text or not text.isprintable() or not text.isascii():
        raise KeyServiceError(f"{path} holds no token")
    return text
