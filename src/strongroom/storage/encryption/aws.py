"""A key of AWS KMS, which never leaves it, by AWS's own client (the extra ``aws``).

AWS exchanges a key's material behind the same ARN and keeps the old, so that this is no rotation
to anybody. Another key is: when an alias is pointed to one, its ARN is the new id.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any, Final

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from strongroom.storage.encryption.remote import PURPOSE, needs_extra, other_key, proven, quieten

ARN: Final = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):(\d{12}):(key|alias)/([\w/+=.@-]{1,256})")
"""Of a key or an alias: region, account, which of the two, and its name."""

_PREFIX: Final = "awskms:"
_CONTEXT: Final = {"strongroom.io/purpose": PURPOSE.decode()}
_DAMAGED: Final = {"InvalidCiphertextException", "IncorrectKeyException"}
_MEANS: Final = {
    "NotFoundException": "there is no such key",
    "DisabledException": "the key is disabled",
    "KMSInvalidStateException": "the key is disabled, or is to be deleted",
    "InvalidKeyUsageException": "it has to be a key that encrypts",
    "UnsupportedOperationException": "it has to be a key that encrypts",
    "AccessDeniedException": "that is denied to us",
    "ExpiredTokenException": "our credentials have ended",
    "UnrecognizedClientException": "our credentials are not known there",
}


@dataclass(frozen=True, slots=True)
class AwsKey:
    """Where a key is: ``key`` is its id, its ARN or an alias; ``timeout`` in seconds, each try.

    What is empty is what AWS's client finds in its environment and files. ``before`` are the ARNs
    of keys that an alias named earlier, which read and do not write.
    """

    key: str
    region: str = ""
    endpoint: str = ""
    profile: str = ""
    timeout: float = 10.0
    before: tuple[str, ...] = ()


class AwsKms:
    """A `KeyService` that asks AWS. Raises KeyServiceError where its client is not installed."""

    def __init__(self, key: AwsKey) -> None:
        with needs_extra("aws", "a key of AWS KMS"):
            import boto3 as _boto3  # noqa: F401 - found missing now and not at the first question
        quieten("boto3", "botocore", "urllib3")
        self._key = key
        self._lock = threading.Lock()
        self._client: Any = None
        self._arn = ""

    def __repr__(self) -> str:
        return f"AwsKms({self._key.key!r})"

    @property
    def quick(self) -> bool:
        """It is another machine."""
        return False

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            client, self._client = self._client, None
            if client is not None:
                client.close()

    def status(self) -> str:
        return proven(self, self._where)

    def encrypt(self, plaintext: bytes) -> Wrapped:
        answer = self._ask(
            "encrypt", KeyId=self._key.key, Plaintext=plaintext, EncryptionContext=_CONTEXT
        )
        arn, sealed = answer.get("KeyId"), answer.get("CiphertextBlob")
        if not isinstance(arn, str) or not ARN.fullmatch(arn) or not isinstance(sealed, bytes):
            raise KeyServiceError(f"{self._where} answers encrypt in a form that nobody knows")
        self._arn = arn
        return Wrapped(sealed, _PREFIX + arn)

    def decrypt(self, wrapped: Wrapped) -> bytes:
        # The key is named: AWS would take whichever the ciphertext says, of any account, and
        # what another one encrypted would be taken for what we wrote.
        asked = self._reading(wrapped)
        try:
            answer = self._ask(
                "decrypt",
                KeyId=asked,
                CiphertextBlob=wrapped.ciphertext,
                EncryptionContext=_CONTEXT,
            )
        except _Damaged as error:
            raise DecryptionFailed(
                f"{self._where} does not decrypt what was encrypted with {wrapped.key_id!r} "
                f"({error.code}): it is damaged, or of another key"
            ) from None
        plain = answer.get("Plaintext")
        if not isinstance(plain, bytes) or answer.get("KeyId") != asked:
            raise KeyServiceError(f"{self._where} answers decrypt in a form that nobody knows")
        return plain

    @property
    def _where(self) -> str:
        return f"AWS KMS, {self._key.key}"

    def _reading(self, wrapped: Wrapped) -> str:
        """The ARN of the key to decrypt with. Raises DecryptionFailed for one that is not ours."""
        arn = wrapped.key_id.removeprefix(_PREFIX)
        if not wrapped.key_id.startswith(_PREFIX):
            raise other_key(wrapped, _PREFIX + (self._arn or self._key.key))
        if not self._arn:
            self.status()
        for held in (self._arn, *self._key.before):
            if arn == held or _replicas(arn, held):
                return held
        raise other_key(wrapped, _PREFIX + self._arn)

    def _ask(self, verb: str, **asked: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = getattr(self._connected(), verb)(**asked)
        except ClientError as error:
            raise self._refused(verb, str(error.response.get("Error", {}).get("Code"))) from None
        except BotoCoreError as error:
            # Without its text, which may hold what was sent.
            raise KeyServiceError(
                f"{self._where} cannot be asked: {_trouble(type(error).__name__)}"
            ) from None
        return answer if isinstance(answer, dict) else {}

    def _refused(self, verb: str, code: str) -> KeyServiceError | _Damaged:
        if code in _DAMAGED:
            return _Damaged(code)
        told = code if re.fullmatch(r"\w{1,80}", code) else "an unknown error"
        means = f"{_MEANS[code]} ({code})" if code in _MEANS else told
        return KeyServiceError(f"{self._where}: {verb}: {means}")

    def _connected(self) -> Any:
        """The client, made at the first question: it finds credentials, which may ask somebody."""
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Any:
        import boto3
        from botocore.config import Config

        found = self._key
        config = Config(
            connect_timeout=found.timeout,
            read_timeout=found.timeout,
            retries={"total_max_attempts": 2, "mode": "standard"},
        )
        session = boto3.Session(profile_name=found.profile or None)
        return session.client(
            "kms",
            region_name=found.region or None,
            endpoint_url=found.endpoint or None,
            config=config,
        )


class _Damaged(Exception):
    """AWS does not decrypt it; ``code`` is AWS's name of the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _replicas(one: str, other: str) -> bool:
    """Whether two ARNs name one multi-region key, whose material is the same in each region."""
    first, second = ARN.fullmatch(one), ARN.fullmatch(other)
    if first is None or second is None:
        return False
    return first[4].startswith("mrk-") and first.groups()[1:] == second.groups()[1:]


def _trouble(kind: str) -> str:
    told = {
        "NoCredentialsError": "no credentials are found",
        "PartialCredentialsError": "the credentials that are found lack a part",
        "NoRegionError": "no region is named",
        "ProfileNotFound": "there is no such profile",
        "EndpointConnectionError": "it cannot be reached",
        "ConnectTimeoutError": "it has not answered in time",
        "ReadTimeoutError": "it has not answered in time",
        "SSLError": "it is not trusted",
    }
    return f"{told[kind]} ({kind})" if kind in told else kind
