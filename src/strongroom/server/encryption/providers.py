"""What an EncryptionConfiguration makes: a transformer for each kind, and the plugins it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strongroom.resources.catalog import CATALOG
from strongroom.server.encryption.asking import LEASE
from strongroom.server.encryption.configuration import (
    EVERY,
    EncryptionConfiguration,
    Key,
    KMSConfiguration,
    ProviderConfiguration,
    parts,
    secret_of,
)
from strongroom.storage.encryption.aes import AESCBCTransformer, AESGCMTransformer
from strongroom.storage.encryption.choosing import section
from strongroom.storage.encryption.identity import IdentityTransformer
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.kms_v1 import KMSv1Transformer
from strongroom.storage.encryption.plugin import Plugin, PluginV1, PluginV2
from strongroom.storage.encryption.port import Transformer
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.encryption.stored import IDENTITY, prefix_of

Pair = tuple[bytes, Transformer]
"""A stored prefix, and what writes and reads behind it."""


@dataclass(frozen=True, slots=True)
class Plugged:
    """A KMS provider that is another process. ``check`` raises KeyServiceError, and may take the
    provider's whole timeout twice."""

    name: str
    plugin: Plugin
    transformer: KMSTransformer | None
    """That of v2, whose key is followed; None for v1."""

    def check(self) -> None:
        if self.transformer is not None:
            self.transformer.refresh()
        elif isinstance(self.plugin, PluginV1):
            self.plugin.check()


class Providers:
    """The transformers of a configuration, which must be valid.

    ``own`` are further ones that read what no configured one does: what was stored before there
    was a configuration. Kinds that it does not name are not encrypted, as upstream.
    """

    def __init__(self, found: EncryptionConfiguration, own: Sequence[Pair] = ()) -> None:
        self.plugged: list[Plugged] = []
        made: dict[tuple[str, str], list[Pair]] = {}
        for one in found.resources:
            pairs = [pair for provider in one.providers for pair in self._pairs(provider)]
            for resource in one.resources:
                made.setdefault(parts(resource), []).extend(pairs)
        plain: list[Pair] = [(b"", IdentityTransformer())]
        self._transformers = {
            kind: PrefixTransformer([*pairs, *own]) for kind, pairs in made.items()
        }
        self._others = PrefixTransformer([*plain, *own])
        everyone = (*self._transformers.values(), self._others)
        self.quick = all(transformer.quick for transformer in everyone)
        self._plain = {
            kind for kind, pairs in made.items() if pairs[0][0] == prefix_of(IDENTITY, "")
        }

    def __repr__(self) -> str:
        return f"<Providers of {len(self._transformers)} resources>"

    def choose(self, where: str) -> Transformer:
        """The transformer of a section of the storage keys (see ``TransformerByKind``)."""
        return self._transformers.get(self._rule(*_kind(where)) or ("", ""), self._others)

    def in_the_clear(self, group: str, plural: str) -> bool:
        """Whether objects of a kind are written without encryption."""
        rule = self._rule(group, plural)
        return rule is None or rule in self._plain

    def close(self) -> None:
        """Hang up on the plugins."""
        for plugged in self.plugged:
            plugged.plugin.close()

    def _rule(self, group: str, plural: str) -> tuple[str, str] | None:
        rules = ((group, plural), (group, EVERY), (EVERY, EVERY))
        return next((rule for rule in rules if rule in self._transformers), None)

    def _pairs(self, provider: ProviderConfiguration) -> list[Pair]:
        if provider.kms is not None:
            return [self._plug(provider.kms)]
        if provider.aesgcm is not None:
            return [_named("aesgcm", key) for key in provider.aesgcm.keys]
        if provider.aescbc is not None:
            return [_named("aescbc", key) for key in provider.aescbc.keys]
        if provider.secretbox is not None:
            return [_named("secretbox", key) for key in provider.secretbox.keys]
        return [(prefix_of(IDENTITY, ""), IdentityTransformer())]

    def _plug(self, kms: KMSConfiguration) -> Pair:
        if kms.apiVersion == "v1":
            old = PluginV1(kms.endpoint, kms.seconds)
            self.plugged.append(Plugged(kms.name, old, None))
            transformer = KMSv1Transformer(kms.name, old, cache=kms.cache)
            return transformer.prefix, transformer
        plugin = PluginV2(kms.endpoint, kms.seconds)
        followed = KMSTransformer(kms.name, plugin, lease=LEASE)
        self.plugged.append(Plugged(kms.name, plugin, followed))
        return followed.prefix, followed


def _named(scheme: str, key: Key) -> Pair:
    secret = secret_of(key)
    prefix = prefix_of(scheme, key.name)
    if scheme == "aesgcm":
        return prefix, AESGCMTransformer(secret)
    if scheme == "aescbc":
        return prefix, AESCBCTransformer(secret)
    # libsodium is loaded for those who use it.
    from strongroom.storage.encryption.secretbox import SecretboxTransformer

    return prefix, SecretboxTransformer(secret)


def _kind(where: str) -> tuple[str, str]:
    """Group and plural name of what is stored in a section; our own records are as Secrets."""
    group, _, plural = where.rpartition("/")
    return _SECTIONS.get(where) or ((group, plural) if where else ("", "secrets"))


def _sections() -> Mapping[str, tuple[str, str]]:
    """Of two kinds that are stored in one place, as Events are, the older."""
    found: dict[str, tuple[str, str]] = {}
    for resource in CATALOG.all():
        if not resource.answered:
            kind = resource.group, resource.plural
            found.setdefault(section(resource.key("namespace", "name")), kind)
    return found


_SECTIONS = _sections()
