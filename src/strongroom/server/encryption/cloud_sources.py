"""Keys in the key services of clouds, as URIs name them.

    awskms:///KEY  awskms://HOST:PORT/KEY                       KEY: an id, an ARN or alias/NAME
    gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K
    azurekms://VAULT.vault.azure.net/keys/NAME[/VERSION]

Credentials are what the maker's client finds, never a setting of ours. Settings behind a ``?``:
`timeout=DURATION`; of AWS `region`, `profile`, `endpoint` and `before=ARN,…`; of Google `endpoint`;
of Azure `algorithm` and `instance-discovery`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from strongroom.server.argument_types import truth
from strongroom.server.encryption.remote_source import HeldElsewhere, RemoteService
from strongroom.server.encryption.settings import endpoint_of, settings_of, timeout_of
from strongroom.storage.encryption import aws, azure, gcp

_ID: Final = re.compile(r"[0-9a-z-]{1,64}|alias/[\w/-]{1,250}")
_REWRAP: Final = "when `strongroom keys status` shows the new one, run `strongroom keys rewrap`"


@dataclass(frozen=True, slots=True)
class AwsSource(HeldElsewhere):
    """A key of AWS KMS."""

    key: aws.AwsKey

    def __str__(self) -> str:
        return f"awskms:///{self.key.key}"

    @property
    def files(self) -> tuple[Path, ...]:
        """What pods and other users must not see."""
        return _credentials(
            ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
            (".aws/credentials", ".aws/config"),
        )

    @property
    def advice(self) -> str:
        """What to do in place of what cannot be done here."""
        return (
            f"the key is in AWS KMS ({self.key.key}), which rotates what is behind an ARN by "
            "itself (`aws kms enable-key-rotation`) and keeps the old: nothing here is to follow. "
            "For another key, point the alias to it and name the old one by before=ARN; "
            f"{_REWRAP}"
        )

    def open(self, *, new: bool = False) -> RemoteService:
        """The key service, which has not been asked anything yet. Raises KeyServiceError."""
        return aws.AwsKms(self.key)


@dataclass(frozen=True, slots=True)
class GcpSource(HeldElsewhere):
    """A key of Google Cloud KMS."""

    key: gcp.GcpKey

    def __str__(self) -> str:
        return f"gcpkms://{self.key.name}"

    @property
    def files(self) -> tuple[Path, ...]:
        """What pods and other users must not see."""
        return _credentials(
            ("GOOGLE_APPLICATION_CREDENTIALS",),
            (".config/gcloud/application_default_credentials.json",),
        )

    @property
    def advice(self) -> str:
        """What to do in place of what cannot be done here."""
        return (
            f"the key is in Google Cloud KMS ({self.key.name}): make a new primary version there "
            f"(`gcloud kms keys versions create --primary`), and {_REWRAP}; then the old version "
            "may be disabled there, and destroyed when the kept history has ended"
        )

    def open(self, *, new: bool = False) -> RemoteService:
        """The key service, which has not been asked anything yet. Raises KeyServiceError."""
        return gcp.GcpKms(self.key)


@dataclass(frozen=True, slots=True)
class AzureSource(HeldElsewhere):
    """A key of Azure Key Vault, or of a managed HSM."""

    key: azure.AzureKey

    def __str__(self) -> str:
        version = f"/{self.key.version}" if self.key.version else ""
        return f"azurekms://{self.key.vault}/keys/{self.key.name}{version}"

    @property
    def files(self) -> tuple[Path, ...]:
        """What pods and other users must not see."""
        return _credentials(("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"), ())

    @property
    def advice(self) -> str:
        """What to do in place of what cannot be done here."""
        return (
            f"the key is in {self.key.vault}: rotate it there "
            f"(`az keyvault key rotate --name {self.key.name}`), and {_REWRAP}; then the old "
            "version may be disabled there"
        )

    def open(self, *, new: bool = False) -> RemoteService:
        """The key service, which has not been asked anything yet. Raises KeyServiceError."""
        return azure.AzureKeys(self.key)


def aws_source(text: str) -> AwsSource:
    """What ``awskms:`` is followed by. Raises ValueError."""
    parts = urlsplit(text)
    key = unquote(parts.path).removeprefix("/")
    arn = aws.ARN.fullmatch(key)
    if not text.startswith("//") or parts.fragment or not (arn or _ID.fullmatch(key)):
        raise ValueError("a key of AWS is named by its id, its ARN or alias/NAME")
    known = {"region", "profile", "endpoint", "before", "timeout"}
    found = settings_of(parts.query, known, "AWS KMS")
    if parts.netloc and "endpoint" in found:
        raise ValueError("the endpoint stands once")
    if parts.netloc:
        found["endpoint"] = f"https://{parts.netloc}"
    before = tuple(found["before"].split(",")) if "before" in found else ()
    if not all(aws.ARN.fullmatch(one) for one in before):
        raise ValueError("before is a list of ARNs")
    region = found.get("region") or (arn[1] if arn else "")
    return AwsSource(
        aws.AwsKey(
            key,
            region,
            endpoint_of(found),
            found.get("profile", ""),
            timeout_of(found),
            before,
        )
    )


def gcp_source(text: str) -> GcpSource:
    """What ``gcpkms:`` is followed by. Raises ValueError."""
    parts = urlsplit(text)
    name = unquote(parts.netloc + parts.path)
    if not text.startswith("//") or parts.fragment or not gcp.NAME.fullmatch(name):
        raise ValueError("a key of Google is named by its whole name, without a version")
    found = settings_of(parts.query, {"endpoint", "timeout"}, "Google Cloud KMS")
    return GcpSource(gcp.GcpKey(name, endpoint_of(found), timeout_of(found)))


def azure_source(text: str) -> AzureSource:
    """What ``azurekms:`` is followed by. Raises ValueError."""
    parts = urlsplit(text)
    place = parts.path.strip("/").split("/")
    rest = [*place[1:], ""]
    right = place[0] == "keys" and len(place) in (2, 3) and azure.NAME.fullmatch(rest[0])
    if not (right and parts.hostname) or parts.username or parts.fragment:
        raise ValueError("a key of Azure is named by HOST/keys/NAME, and a version if one is meant")
    if rest[1] and not azure.VERSION.fullmatch(rest[1]):
        raise ValueError("versions of keys are letters and digits")
    known = {"algorithm", "instance-discovery", "timeout"}
    found = settings_of(parts.query, known, "Azure Key Vault")
    algorithm = found.get("algorithm", azure.RSA)
    if algorithm not in (azure.RSA, azure.AES):
        raise ValueError(f"algorithm is {azure.RSA} or {azure.AES}")
    discovery = truth(found.get("instance-discovery", "true"))
    key = azure.AzureKey(
        parts.netloc.lower(), rest[0], rest[1], algorithm, timeout_of(found), discovery
    )
    return AzureSource(key)


def _credentials(variables: tuple[str, ...], usual: tuple[str, ...]) -> tuple[Path, ...]:
    """Files of credentials that the maker's client may read, as far as they are there."""
    named = [Path(os.environ[name]).absolute() for name in variables if os.environ.get(name)]
    at_home = [Path.home() / name for name in usual]
    return tuple(path for path in [*named, *at_home] if path.exists())
