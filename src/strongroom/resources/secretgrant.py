"""SecretGrant: which Secrets of a namespace pods of other namespaces may be given.

Whoever owns the Secrets writes it, beside them; pods come to the values by a reference in their own
namespace (:mod:`strongroom.resources.secret_reference`). "All" is always said, by ``*``: a list
that somebody empties gives nothing, instead of everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct
from strongroom.api.validation import (
    Path,
    config_map_key,
    dns_label,
    dns_subdomain,
    duplicate,
    invalid_value,
    required,
    too_many,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.resource import Column, Resource
from strongroom.resources.secret_reference import ALL

API_PACKAGE = "io.strongroom.v1alpha1"
"""Where OpenAPI places the types of this module."""

MOST = 256
"""Secrets, namespaces, keys and accounts that one list may name."""

_SPEC = Path("spec")


class GrantedSecret(Struct):
    """A Secret of the grant's namespace, and what of it is given."""

    name: Annotated[
        str, F(1, "Name of the Secret, which need not be there yet.", required=True)
    ] = ""
    keys: Annotated[
        list[str],
        F(2, "The keys that are given; `*` alone for all of them.", list_type="set", required=True),
    ] = []  # fmt: skip - one description a line


class GrantTarget(Struct):
    """A namespace to which Secrets are given, and its service accounts."""

    namespace: Annotated[str, F(1, "Name of the other namespace.", required=True)] = ""
    serviceAccounts: Annotated[
        list[str],
        F(
            2,
            "The service accounts whose pods are given the Secrets; `*` alone for all of them.",
            list_type="set",
            required=True,
        ),
    ] = []


class SecretGrantSpec(Struct):
    """What is given to whom: each of the Secrets to each of the namespaces."""

    secrets: Annotated[
        list[GrantedSecret],
        F(1, "The Secrets.", list_type="map", list_keys=("name",), required=True),
    ] = []
    to: Annotated[
        list[GrantTarget],
        F(
            2,
            "The namespaces to which they are given.",
            list_type="map",
            list_keys=("namespace",),
            required=True,
        ),
    ] = []


class SecretGrant(Object):
    """Lets pods of other namespaces use Secrets of this one, by reference, while it is there."""

    spec: Annotated[SecretGrantSpec, F(2, "What is given to whom.")] = msgspec.field(
        default_factory=SecretGrantSpec
    )


class SecretGrantResource(Resource[SecretGrant]):
    """The behaviour of SecretGrants."""

    def prepare_for_create(self, obj: SecretGrant, now: datetime) -> None:
        obj.metadata.generation = 1

    def prepare_for_update(self, new: SecretGrant, old: SecretGrant, now: datetime) -> None:
        before = old.metadata.generation
        new.metadata.generation = before if new.spec == old.spec else before + 1

    def validate(self, obj: SecretGrant) -> list[FieldError]:
        secrets, to = obj.spec.secrets, obj.spec.to
        errors = _list_errors(_SPEC / "secrets", [secret.name for secret in secrets], "name")
        errors += _list_errors(_SPEC / "to", [target.namespace for target in to], "namespace")
        for i, secret in enumerate(secrets):
            errors += _secret_errors(secret, (_SPEC / "secrets").index(i))
        for i, target in enumerate(to):
            errors += _target_errors(target, (_SPEC / "to").index(i), obj.metadata.namespace)
        return errors


def _list_errors(path: Path, names: Sequence[str], field: str) -> list[FieldError]:
    if not names:
        return [required(path)]
    if len(names) > MOST:
        return [too_many(path, len(names), MOST)]
    return [
        duplicate(path.index(i) / field, name) for i, name in enumerate(names) if name in names[:i]
    ]


def _secret_errors(secret: GrantedSecret, path: Path) -> Iterator[FieldError]:
    yield from _name_errors(secret.name, path / "name", dns_subdomain(secret.name))
    yield from _words_errors(secret.keys, path / "keys", "say `*` for all keys")
    for i, key in enumerate(secret.keys):
        if key != ALL:
            for message in config_map_key(key):
                yield invalid_value((path / "keys").index(i), key, message)


def _target_errors(target: GrantTarget, path: Path, own: str) -> Iterator[FieldError]:
    named = target.namespace
    yield from _name_errors(named, path / "namespace", dns_label(named))
    if named and named == own:
        yield invalid_value(path / "namespace", named, "must be another namespace")
    accounts = path / "serviceAccounts"
    yield from _words_errors(target.serviceAccounts, accounts, "say `*` for all service accounts")
    for i, account in enumerate(target.serviceAccounts):
        if account != ALL:
            for message in dns_subdomain(account):
                yield invalid_value(accounts.index(i), account, message)


def _name_errors(name: str, path: Path, wrong: Sequence[str]) -> Iterator[FieldError]:
    if not name:
        yield required(path)
        return
    for message in wrong:
        yield invalid_value(path, name, message)


def _words_errors(words: Sequence[str], path: Path, advice: str) -> Iterator[FieldError]:
    """What is wrong with a list of keys or accounts, but for its words."""
    if not words:
        yield required(path, advice)
    elif len(words) > MOST:
        yield too_many(path, len(words), MOST)
    elif ALL in words and len(words) > 1:
        yield invalid_value(path.index(words.index(ALL)), ALL, "must be the only one")
    else:
        for i, word in enumerate(words):
            if word in words[:i]:
                yield duplicate(path.index(i), word)


def told_secrets(grant: SecretGrant) -> str:
    """The Secrets of a grant in a line: ``db (password), tls``."""
    return ", ".join(
        secret.name if secret.keys == [ALL] else f"{secret.name} ({', '.join(secret.keys)})"
        for secret in grant.spec.secrets
    )


def told_targets(grant: SecretGrant) -> str:
    """To whom a grant gives, in a line: ``shop, jobs/importer``."""
    return ", ".join(
        target.namespace if account == ALL else f"{target.namespace}/{account}"
        for target in grant.spec.to
        for account in target.serviceAccounts
    )


SECRET_GRANTS = SecretGrantResource(
    group="strongroom.io",
    version="v1alpha1",
    kind="SecretGrant",
    plural="secretgrants",
    singular="secretgrant",
    short_names=("sgrant",),
    type=SecretGrant,
    namespaced=True,
    columns=(
        NAME,
        Column(
            "Secrets", lambda grant, now: told_secrets(grant), description="What is given of what."
        ),
        Column("To", lambda grant, now: told_targets(grant), description="Who is given it."),
        AGE,
    ),
)
