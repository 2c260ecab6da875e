"""EncryptionConfiguration files, unchanged: what may stand in them, and what is wrong with one.

Paths and words of errors are upstream's (``pkg/apis/apiserver/validation/validation_encryption.go``
and ``pkg/server/options/encryptionconfig/config.go``).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from strongroom.api.configuration import (
    BadConfiguration,
    Configuration,
    read_configuration,
    refuse,
)
from strongroom.api.durations import parse_duration
from strongroom.api.errors import FieldError
from strongroom.api.schema import F, Struct
from strongroom.api.validation import REDACTED, Path, invalid_value, required

API_VERSION = "apiserver.config.k8s.io/v1"

EVERY = "*"
_AES_SIZES, _SECRETBOX_SIZES = (16, 24, 32), (32,)
_NO_OBJECTS = ("apiserveripinfo", "serviceipallocations", "servicenodeportallocations")
_V1, _V2 = "v1", "v2"
_TIMEOUT = "3s"
_CACHE = 1000


class Key(Struct):
    """A named key."""

    name: Annotated[str, F(1, "Its name, which stored values tell.")] = ""
    secret: Annotated[str, F(2, "The key, in base64.")] = ""

    def __repr__(self) -> str:
        return f"Key({self.name!r}, …)"


class KeysConfiguration(Struct):
    """A provider with keys of its own; the first one writes."""

    keys: Annotated[list[Key], F(1, "The keys.")] = []


class IdentityConfiguration(Struct):
    """No encryption."""


class KMSConfiguration(Struct):
    """A KMS plugin."""

    apiVersion: Annotated[str, F(1, "v1 or v2.")] = _V1
    name: Annotated[str, F(2, "Its name, which stored values tell.")] = ""
    cachesize: Annotated[int | None, F(3, "Data keys that are kept; of v1 only.")] = None
    endpoint: Annotated[str, F(4, "unix:///PATH of its socket.")] = ""
    timeout: Annotated[str, F(5, "How long a question may take.")] = _TIMEOUT

    @property
    def seconds(self) -> float:
        """``timeout`` in seconds; raises ValueError, which validation has told."""
        return parse_duration(self.timeout).total_seconds()

    @property
    def cache(self) -> int:
        """Data keys of v1 that are kept; negative for none."""
        return _CACHE if self.cachesize is None else self.cachesize


class ProviderConfiguration(Struct):
    """One of these."""

    aesgcm: Annotated[KeysConfiguration | None, F(1, "AES-GCM.")] = None
    aescbc: Annotated[KeysConfiguration | None, F(2, "AES-CBC.")] = None
    secretbox: Annotated[KeysConfiguration | None, F(3, "XSalsa20-Poly1305.")] = None
    identity: Annotated[IdentityConfiguration | None, F(4, "No encryption.")] = None
    kms: Annotated[KMSConfiguration | None, F(5, "Envelopes by a KMS plugin.")] = None

    @property
    def schemes(self) -> list[str]:
        """Those that are given; of a valid provider it is one."""
        given = (getattr(self, name) for name in _SCHEMES)
        return [name for name, one in zip(_SCHEMES, given, strict=True) if one is not None]


_SCHEMES = ("aesgcm", "aescbc", "secretbox", "identity", "kms")


class ResourceConfiguration(Struct):
    """Resources, and what encrypts them: the first provider writes, all read."""

    resources: Annotated[list[str], F(1, "RESOURCE, RESOURCE.GROUP, *., *.GROUP or *.*.")] = []
    providers: Annotated[list[ProviderConfiguration], F(2, "The providers.")] = []


class EncryptionConfiguration(Configuration):
    """The file."""

    resources: Annotated[list[ResourceConfiguration], F(1, "In the order of precedence.")] = []


def read_encryption(content: bytes) -> EncryptionConfiguration:
    """Read and judge a file. Raises BadConfiguration."""
    found = read_configuration(content, EncryptionConfiguration, (API_VERSION,))
    refuse(list(configuration_errors(found)))
    _check_masks(found)
    return found


def parts(resource: str) -> tuple[str, str]:
    """Group and plural name of ``RESOURCE.GROUP``; either may be ``*``."""
    plural, _, group = resource.partition(".")
    return group, plural


def configuration_errors(found: EncryptionConfiguration) -> Iterator[FieldError]:
    """What is wrong with a configuration."""
    root = Path("resources")
    if not found.resources:
        yield required(root, "at least one resources is required")
    names: set[str] = set()
    for i, one in enumerate(found.resources):
        resources, providers = root.index(i) / "resources", root.index(i) / "providers"
        if not one.resources:
            yield required(resources, f"at least one {resources} is required")
        yield from _overlap_errors(one.resources, resources)
        for j, resource in enumerate(one.resources):
            if why := _resource_error(resource):
                yield invalid_value(resources.index(j), resource, why)
        if not one.providers:
            yield required(providers, f"at least one {providers} is required")
        for j, provider in enumerate(one.providers):
            yield from _provider_errors(provider, providers.index(j), names)


def _overlap_errors(resources: Sequence[str], path: Path) -> Iterator[FieldError]:
    if len(set(resources)) < len(resources):
        why = "the same resource cannot be specified multiple times"
        yield invalid_value(path, list(resources), why)
    named = {parts(resource) for resource in resources}
    groups = {group for group, plural in named if plural == EVERY}
    everything = (EVERY, EVERY) in named
    if len(named) > 1 and (
        everything or any((g, p) for g, p in named if p != EVERY and g in groups)
    ):
        yield invalid_value(
            path,
            list(resources),
            "using overlapping resources such as 'secrets' and '*.' in the same resource list is "
            "not allowed as they will be masked",
        )


def _resource_error(resource: str) -> str:
    group, plural = parts(resource)
    if resource.lower() != resource:
        return "resource name should not contain capital letters"
    if resource == EVERY:
        return (
            "use '*.' to encrypt all the resources from core API group or *.* to encrypt all "
            "resources"
        )
    if resource in _NO_OBJECTS:
        return "resources which do not have REST API/s cannot be encrypted"
    if group == "events.k8s.io":
        return (
            "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. "
            "Use 'events' instead in the config file"
        )
    if group == "extensions":
        return "'extensions' group has been removed and cannot be used for encryption"
    if group == EVERY and plural != EVERY:
        return "encrypting the same resource across groups is not supported"
    return ""


def _provider_errors(
    provider: ProviderConfiguration, path: Path, names: set[str]
) -> Iterator[FieldError]:
    schemes = provider.schemes
    if len(schemes) != 1:
        # Not what it is, as upstream tells: keys stand in it.
        yield invalid_value(
            path,
            ", ".join(schemes),
            "more than one provider specified in a single element, should split into different "
            "list elements"
            if schemes
            else "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, "
            "Secretbox, Identity",
        )
    if provider.kms is not None:
        yield from _kms_errors(provider.kms, path / "kms", names)
        names.add(provider.kms.name)
    elif provider.aesgcm is not None:
        yield from _keys_errors(provider.aesgcm, path / "aesgcm" / "keys", _AES_SIZES)
    elif provider.aescbc is not None:
        yield from _keys_errors(provider.aescbc, path / "aescbc" / "keys", _AES_SIZES)
    elif provider.secretbox is not None:
        yield from _keys_errors(provider.secretbox, path / "secretbox" / "keys", _SECRETBOX_SIZES)


def _keys_errors(
    found: KeysConfiguration, path: Path, sizes: Sequence[int]
) -> Iterator[FieldError]:
    if not found.keys:
        yield required(path, "at least one keys is required")
    for i, key in enumerate(found.keys):
        at = path.index(i)
        if not key.name:
            yield required(at / "name", "name is a mandatory field for a key")
        if not key.secret:
            yield required(at / "secret", "secret is a mandatory field for a key")
            continue
        try:
            size = len(secret_of(key))
        except ValueError:
            yield invalid_value(at / "secret", REDACTED, "secrets must be base64 encoded")
            continue
        if size not in sizes:
            expected = " ".join(map(str, sizes))
            why = f"secret is not of the expected length, got {size}, expected one of [{expected}]"
            yield invalid_value(at / "secret", REDACTED, why)


def secret_of(key: Key) -> bytes:
    """The bytes of a key. Raises ValueError, without them."""
    try:
        return base64.b64decode("".join(key.secret.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("secrets must be base64 encoded") from None


def _kms_errors(kms: KMSConfiguration, path: Path, names: set[str]) -> Iterator[FieldError]:
    name = path / "name"
    if not kms.name:
        yield required(name, "name is a mandatory field for a provider")
    if kms.apiVersion != _V1 and ":" in kms.name:
        why = f"invalid KMS provider name {kms.name}, must not contain ':'"
        yield invalid_value(name, kms.name, why)
    if kms.name in names:
        why = f"duplicate KMS provider name {kms.name}, names must be unique"
        yield invalid_value(name, kms.name, why)
    if not _is_positive(kms.timeout):
        yield invalid_value(path / "timeout", kms.timeout, "timeout should be a positive value")
    yield from _endpoint_errors(kms.endpoint, path / "endpoint")
    if kms.apiVersion != _V1 and kms.cachesize is not None:
        yield invalid_value(path / "cachesize", kms.cachesize, "cachesize is not supported in v2")
    if kms.apiVersion == _V1 and kms.cachesize == 0:
        why = "cachesize should be a positive value, or negative to disable"
        yield invalid_value(path / "cachesize", kms.cachesize, why)
    if kms.apiVersion not in (_V1, _V2):
        why = "unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported"
        yield invalid_value(path / "apiVersion", kms.apiVersion, why)


def _endpoint_errors(endpoint: str, path: Path) -> Iterator[FieldError]:
    if not endpoint:
        yield invalid_value(path, "", "endpoint is a mandatory field for a kms")
        return
    scheme = urlsplit(endpoint).scheme
    if scheme != "unix":
        why = f'unsupported scheme "{scheme}" for KMS provider, only unix is supported'
        yield invalid_value(path, endpoint, why)


def _is_positive(duration: str) -> bool:
    try:
        return parse_duration(duration) > timedelta(0)
    except ValueError:
        return False


def _check_masks(found: EncryptionConfiguration) -> None:
    """A rule that an earlier one leaves nothing to is a mistake. Raises BadConfiguration."""
    seen: set[tuple[str, str]] = set()
    for one in found.resources:
        for resource in one.resources:
            group, _ = parts(resource)
            for mask in ((group, EVERY), (EVERY, EVERY)):
                if mask in seen:
                    shown = _shown(*parts(resource))
                    raise BadConfiguration(
                        f'error while building transformers: resource "{shown}" is masked by '
                        f'earlier rule "{_shown(*mask)}"'
                    )
        seen |= {parts(resource) for resource in one.resources}


def _shown(group: str, plural: str) -> str:
    if plural == EVERY and not group:
        return "*."
    return f"{plural}.{group}" if group else plural
