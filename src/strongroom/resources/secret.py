"""Secret: named values that pods use and that the store never holds in the clear."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.api.validation import (
    IMMUTABLE,
    REDACTED,
    Path,
    config_map_key,
    forbidden_field,
    invalid_value,
    required,
    too_long,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.json_text import json_object_error
from strongroom.resources.last_applied import (
    emptied_warning,
    fill_annotation,
    mask_annotation,
    masked_data_warnings,
)
from strongroom.resources.pem_pair import pem_pair_problem
from strongroom.resources.resource import Column, Resource
from strongroom.resources.secret_reference import (
    REFERENCE,
    changed_target,
    reference_errors,
)

OPAQUE = "Opaque"
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name
DOCKERCFG = "kubernetes.io/dockercfg"
DOCKERCONFIGJSON = "kubernetes.io/dockerconfigjson"
BASIC_AUTH = "kubernetes.io/basic-auth"
SSH_AUTH = "kubernetes.io/ssh-auth"
TLS = "kubernetes.io/tls"
BOOTSTRAP_TOKEN = "bootstrap.kubernetes.io/token"  # noqa: S105 - a type's name

SERVICE_ACCOUNT_NAME_ANNOTATION = "kubernetes.io/service-account.name"
SERVICE_ACCOUNT_UID_ANNOTATION = "kubernetes.io/service-account.uid"

MAX_SIZE = 1024 * 1024
"""Limit on the sum of the values' lengths, in bytes; key lengths are not counted."""

_IMMUTABLE_SET = "field is immutable when `immutable` is set"
_DATA = Path("data")


class Secret(Object):
    """Holds secret data: the values' total size is limited to 1 MiB."""

    data: Annotated[
        dict[str, bytes],
        F(
            2,
            "The values by key, base64 on the wire. Keys are letters, digits, '-', '_' and '.'.",
            confidential=True,
        ),
    ] = {}
    type: Annotated[str, F(3, "What the data is for; decides which keys must be there.")] = ""
    stringData: Annotated[
        dict[str, str],
        F(
            4,
            "Values as plain text for convenience: merged over data when written, never returned.",
            confidential=True,
            write_only=True,
        ),
    ] = {}
    immutable: Annotated[
        bool | None, F(5, "When true, neither data nor this field can be changed any more.")
    ] = None


class SecretResource(Resource[Secret]):
    """The behaviour of Secrets."""

    def default(self, obj: Secret) -> None:
        """Fold ``stringData`` into ``data``; nothing after this point ever sees it.

        Nor does anything see the values that `kubectl apply` puts into an annotation.
        """
        mask_annotation(obj.metadata.annotations)
        for key, text in obj.stringData.items():
            obj.data[key] = text.encode()
        obj.stringData = {}

    def prepare_for_create(self, obj: Secret, now: datetime) -> None:
        obj.type = obj.type or OPAQUE

    def prepare_for_update(self, new: Secret, old: Secret, now: datetime) -> None:
        new.type = new.type or old.type or OPAQUE

    def warnings(self, new: Secret, old: Secret | None) -> list[str]:
        texts = masked_data_warnings(new.data, old.data if old else {})
        texts += emptied_warning(new.metadata, old.metadata if old else None)
        if new.type == TLS:
            problem = pem_pair_problem(new.data.get("tls.crt", b""), new.data.get("tls.key", b""))
            texts += [problem] if problem else []
        return texts

    def complete_for_apply(self, obj: Secret) -> bool:
        # Whoever is shown this is shown the same values in ``data``.
        return fill_annotation(obj.metadata.annotations, obj.data)

    def validate(self, obj: Secret) -> list[FieldError]:
        errors = [
            invalid_value(_DATA.key(key), key, message)
            for key in obj.data
            for message in config_map_key(key)
        ]
        if sum(map(len, obj.data.values())) > MAX_SIZE:
            errors.append(too_long(_DATA, MAX_SIZE))
        rule = _TYPE_RULES.get(obj.type)
        return errors + rule(obj) if rule else errors

    def validate_update(self, new: Secret, old: Secret) -> list[FieldError]:
        errors = []
        if new.type != old.type:
            errors.append(invalid_value(Path("type"), new.type, IMMUTABLE))
        if old.immutable:
            if not new.immutable:
                errors.append(forbidden_field(Path("immutable"), _IMMUTABLE_SET))
            if new.data != old.data:
                errors.append(forbidden_field(_DATA, _IMMUTABLE_SET))
        if old.type == REFERENCE:
            errors += changed_target(new.metadata.annotations, old.metadata.annotations)
        return errors + self.validate(new)


def _service_account_token(secret: Secret) -> list[FieldError]:
    # Only the name is demanded: the tokens controller adds the uid and the token later.
    if secret.metadata.annotations.get(SERVICE_ACCOUNT_NAME_ANNOTATION):
        return []
    path = Path("metadata") / "annotations"
    return [required(path.key(SERVICE_ACCOUNT_NAME_ANNOTATION))]


def _json_object(key: str) -> Callable[[Secret], list[FieldError]]:
    def rule(secret: Secret) -> list[FieldError]:
        if key not in secret.data:
            return [required(_DATA.key(key))]
        message = json_object_error(secret.data[key])
        return [invalid_value(_DATA.key(key), REDACTED, message)] if message else []

    return rule


def _basic_auth(secret: Secret) -> list[FieldError]:
    keys = ("username", "password")
    if any(key in secret.data for key in keys):
        return []
    return [required(_DATA.key(key)) for key in keys]


def _ssh_auth(secret: Secret) -> list[FieldError]:
    key = "ssh-privatekey"
    return [] if secret.data.get(key) else [required(_DATA.key(key))]


def _reference(secret: Secret) -> list[FieldError]:
    meta = secret.metadata
    return reference_errors(meta.namespace, meta.annotations, holds=bool(secret.data))


def _tls(secret: Secret) -> list[FieldError]:
    return [required(_DATA.key(k)) for k in ("tls.crt", "tls.key") if k not in secret.data]


_TYPE_RULES: dict[str, Callable[[Secret], list[FieldError]]] = {
    SERVICE_ACCOUNT_TOKEN: _service_account_token,
    DOCKERCFG: _json_object(".dockercfg"),
    DOCKERCONFIGJSON: _json_object(".dockerconfigjson"),
    BASIC_AUTH: _basic_auth,
    SSH_AUTH: _ssh_auth,
    TLS: _tls,
    REFERENCE: _reference,
}
"""What each type demands of its data. A type that is not listed is free."""

SECRETS = SecretResource(
    group="",
    version="v1",
    kind="Secret",
    plural="secrets",
    singular="secret",
    type=Secret,
    namespaced=True,
    columns=(
        NAME,
        Column("Type", lambda secret, now: secret.type, description="What the data is for."),
        Column("Data", lambda secret, now: len(secret.data), description="Number of keys."),
        AGE,
    ),
    field_selectors={"type": lambda secret: secret.type},
)
