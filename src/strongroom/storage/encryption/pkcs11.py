"""A key in a token that speaks PKCS#11, as HSMs do, which never leaves it (the extra ``pkcs11``).

Seeds are encrypted with AES-GCM: all that is asked of the token is C_EncryptInit, C_Encrypt and
their reverse, with random nonces from the token. The maker's library runs in this process; whoever
would rather keep it apart has ``strongroom kms serve`` load it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.passphrasefile import PassphraseFile
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from strongroom.storage.encryption.remote import PURPOSE, needs_extra, other_key, proven

_T = TypeVar("_T")
_PREFIX: Final = "pkcs11:"
_NONCE, _TAG_BITS = 12, 128
_MEANS: Final = {
    "NoSuchToken": "there is no such token",
    "MultipleTokensReturned": "more than one token is called so: name its serial",
    "PinIncorrect": "the PIN is not taken",
    "PinLocked": "the PIN is locked",
    "TokenNotPresent": "the token is gone",
    "DeviceRemoved": "the token is gone",
    "MechanismInvalid": "the token has no AES-GCM",
    "KeyTypeInconsistent": "the key is not for AES-GCM",
    "FunctionFailed": "the token failed",
    "UserPinNotInitialized": "the token has no user yet",
}

_OF_CIPHERTEXT: Final = {
    "EncryptedDataInvalid",
    "EncryptedDataLenRange",
    "DataInvalid",
    "DataLenRange",
    "FunctionFailed",
    "GeneralError",
    "SignatureInvalid",
}
"""What tokens say of a wrong tag; SoftHSM, that something failed."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key by its token's label and serial, and its own label and id: what is empty is any.

    ``module`` is the maker's library, ``pin_file`` the owner's alone.
    """

    module: Path
    pin_file: Path | None
    token: str = ""
    serial: bytes = b""
    label: str = ""
    id: bytes = b""

    def __str__(self) -> str:
        return (
            f"{self.token or self.serial.decode('ascii', 'replace')}/{self.label or self.id.hex()}"
        )


class Token:
    """A `KeyService` that asks a token. Raises KeyServiceError where the library is missing.

    Nothing is loaded before the first question, so that each process loads the module for itself.
    """

    def __init__(self, key: TokenKey) -> None:
        with needs_extra("pkcs11", "a key in a PKCS#11 token"):
            import pkcs11 as _pkcs11  # noqa: F401 - found missing now and not at the first question
        self._key = key
        self._lock = threading.Lock()
        self._session: Any = None
        self._doubted = False
        self._refused: str | None = None

    def __repr__(self) -> str:
        return f"Token({str(self._key)!r})"

    @property
    def quick(self) -> bool:
        """Some are on a network, and all let one wait."""
        return False

    def close(self) -> None:
        """Log out."""
        with self._lock:
            self._forget()

    def status(self) -> str:
        return proven(self, self._where)

    def encrypt(self, plaintext: bytes) -> Wrapped:
        def sealed(session: Any) -> Wrapped:
            found = self._writing(session)
            nonce = bytes(session.generate_random(_NONCE * 8))
            return Wrapped(nonce + _crypt(found.encrypt, nonce, plaintext), _id_of(found))

        return self._ask("encrypt", sealed)

    def decrypt(self, wrapped: Wrapped) -> bytes:
        nonce, rest = wrapped.ciphertext[:_NONCE], wrapped.ciphertext[_NONCE:]
        if len(rest) < _TAG_BITS // 8:
            raise DecryptionFailed("the wrapped data key has an unknown form")

        def opened(session: Any) -> bytes:
            return _crypt(self._reading(session, wrapped).decrypt, nonce, rest)

        try:
            return self._ask("decrypt", opened)
        except _Failed:
            # Tokens differ in what they say of a wrong tag, and some blame themselves: then one
            # that does decrypt what it encrypts means the other.
            self.status()
            raise DecryptionFailed(
                f"{self._where} does not decrypt what was encrypted with {wrapped.key_id!r}: "
                "it is damaged"
            ) from None

    @property
    def _where(self) -> str:
        return f"PKCS#11 token {self._key}"

    def _writing(self, session: Any) -> Any:
        """The one key that the settings name. Raises KeyServiceError."""
        from pkcs11 import Attribute

        named: dict[Any, Any] = {}
        if self._key.label:
            named[Attribute.LABEL] = self._key.label
        if self._key.id:
            named[Attribute.ID] = self._key.id
        found = _keys(session, named)
        if not found:
            unseen = "" if self._key.pin_file else "; without pin-source=file:FILE few are seen"
            raise KeyServiceError(f"{self._where}: there is no such AES key in the token{unseen}")
        if len(found) > 1:
            raise KeyServiceError(
                f"{self._where}: {len(found)} keys are called so: name one by its id"
            )
        if _leaves(found[0]):
            raise KeyServiceError(
                f"{self._where}: the token would give that key away (CKA_SENSITIVE is not set, or "
                "CKA_EXTRACTABLE is)"
            )
        return found[0]

    def _reading(self, session: Any, wrapped: Wrapped) -> Any:
        """The key of the token that has this id, whatever the settings name now."""
        from pkcs11 import Attribute

        label = _label_of(wrapped.key_id)
        for key in _keys(session, {Attribute.LABEL: label}) if label is not None else ():
            if _id_of(key) == wrapped.key_id and not _leaves(key):
                return key
        # A token that is away seems empty to some: then it is not that the key is of another.
        self._writing(session)
        raise other_key(wrapped, f"{_PREFIX}{self._key}")

    def _ask(self, verb: str, call: Callable[[Any], _T]) -> _T:
        """Ask in the session, or in a new one; after any trouble the next has one of its own.

        Sessions are for one thread at a time.
        """
        from pkcs11.exceptions import PKCS11Error

        with self._lock:
            fresh = self._session is None
            try:
                try:
                    return call(self._opened())
                except PKCS11Error as error:
                    self._forget()
                    if type(error).__name__.startswith("Pin"):
                        raise
                # A session ends when its token was away for a moment; and of one that fails from
                # the start, the library may know what was there when it was loaded.
                self._doubted = self._doubted or fresh
                return call(self._opened())
            except KeyServiceError:
                self._forget()
                self._doubted = True
                raise
            except PKCS11Error as error:
                self._forget()
                kind = type(error).__name__
                means = f"{_MEANS[kind]} ({kind})" if kind in _MEANS else kind
                failed = _Failed if kind in _OF_CIPHERTEXT else KeyServiceError
                self._doubted = True
                raise failed(f"{self._where}: {verb}: {means}") from None

    def _opened(self) -> Any:
        if self._session is None:
            pin = self._pin()
            token = self._module().get_token(
                token_label=self._key.token or None, token_serial=self._key.serial or None
            )
            self._session = self._logged_in(token, pin)
        return self._session

    def _logged_in(self, token: Any, pin: str | None) -> Any:
        from pkcs11.exceptions import PinIncorrect, PinInvalid, PinLenRange, UserAlreadyLoggedIn

        try:
            return token.open(user_pin=pin)
        except UserAlreadyLoggedIn:
            # A process logs in once, for all of its sessions.
            return token.open()
        except (PinIncorrect, PinInvalid, PinLenRange):
            # Tokens lock a PIN after a few wrong ones: this one is not tried twice.
            self._refused = pin
            raise

    def _module(self) -> Any:
        """The maker's library. It looks for tokens anew after one was not found."""
        import pkcs11
        from pkcs11.exceptions import PKCS11Error

        try:
            module = pkcs11.lib(str(self._key.module))
        except PKCS11Error as error:
            # Of those of the standard each has a class of its own.
            if type(error) is not PKCS11Error:
                raise
            raise KeyServiceError(
                f"{self._where}: {self._key.module} cannot be loaded as a PKCS#11 module"
            ) from None
        if self._doubted:
            module.reinitialize()
            self._doubted = False
        return module

    def _pin(self) -> str | None:
        if self._key.pin_file is None:
            return None
        found = PassphraseFile(str(self._key.pin_file), "PIN file")().decode("utf-8", "replace")
        if found == self._refused:
            raise KeyServiceError(
                f"{self._where}: the PIN in {self._key.pin_file} was not taken, and is not tried "
                "again until it is another"
            )
        return found

    def _forget(self) -> None:
        from pkcs11.exceptions import PKCS11Error

        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except PKCS11Error:
                # It is gone already, as the token may be.
                pass


class _Failed(KeyServiceError):
    """The token failed, or what it was given is damaged."""


def _keys(session: Any, named: dict[Any, Any]) -> list[Any]:
    from pkcs11 import Attribute, KeyType, ObjectClass

    wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES}
    return list(session.get_objects(wanted | named))


def _leaves(key: Any) -> bool:
    from pkcs11 import Attribute

    return bool(key[Attribute.EXTRACTABLE]) or not key[Attribute.SENSITIVE]


def _crypt(method: Any, nonce: bytes, content: bytes) -> bytes:
    from pkcs11 import GCMParams, Mechanism

    param = GCMParams(nonce, PURPOSE, _TAG_BITS)
    return bytes(method(content, mechanism=Mechanism.AES_GCM, mechanism_param=param))


def _id_of(key: Any) -> str:
    """What a key is called in what is stored: its label, its id, and the token's check value.

    The check value (the first bytes of an encrypted zero block) tells keys apart that were made
    anew under the old name; not every token has one.
    """
    from pkcs11 import Attribute
    from pkcs11.exceptions import AttributeTypeInvalid

    try:
        check = bytes(key[Attribute.CHECK_VALUE]).hex()
    except AttributeTypeInvalid:
        check = ""
    return f"{_PREFIX}{quote(str(key.label))}:{bytes(key.id).hex()}:{check}"


def _label_of(key_id: str) -> str | None:
    """The label in such an id; None when it is none."""
    parts = key_id.removeprefix(_PREFIX).split(":")
    return unquote(parts[0]) if key_id.startswith(_PREFIX) and len(parts) == 3 else None
