"""ConfigMap: configuration that is not secret, as text or bytes by key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.api.validation import (
    Path,
    config_map_key,
    forbidden_field,
    invalid_value,
    too_long,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.resource import Column, Resource
from strongroom.resources.strongroom_annotations import SENSITIVE_KEYS

MAX_SIZE = 1024 * 1024
"""Limit on the sum of all values' lengths, in bytes."""

_IMMUTABLE_SET = "field is immutable when `immutable` is set"


class ConfigMap(Object):
    """Holds configuration for pods: text in ``data``, anything else in ``binaryData``."""

    data: Annotated[
        dict[str, str], F(2, "Text values by key.", confidential_by=SENSITIVE_KEYS)
    ] = {}
    binaryData: Annotated[
        dict[str, bytes],
        F(
            3,
            "Values that are not UTF-8 text, base64 on the wire; no key may also be in data.",
            confidential_by=SENSITIVE_KEYS,
        ),
    ] = {}
    immutable: Annotated[
        bool | None, F(4, "When true, neither the data nor this field can be changed any more.")
    ] = None


class ConfigMapResource(Resource[ConfigMap]):
    """The behaviour of ConfigMaps."""

    def validate(self, obj: ConfigMap) -> list[FieldError]:
        data, binary = Path("data"), Path("binaryData")
        errors = []
        for key in obj.data:
            errors += _key_errors(data, (key,))
            if key in obj.binaryData:
                duplicate = "duplicate of key present in binaryData"
                errors.append(invalid_value(data.key(key), key, duplicate))
        errors += _key_errors(binary, obj.binaryData)
        size = sum(len(text.encode()) for text in obj.data.values())
        size += sum(map(len, obj.binaryData.values()))
        if size > MAX_SIZE:
            # The limit is on the object as a whole, which upstream's paths write as "[]".
            errors.append(too_long(Path("[]"), MAX_SIZE))
        return errors

    def validate_update(self, new: ConfigMap, old: ConfigMap) -> list[FieldError]:
        errors = []
        if old.immutable:
            if not new.immutable:
                errors.append(forbidden_field(Path("immutable"), _IMMUTABLE_SET))
            if new.data != old.data:
                errors.append(forbidden_field(Path("data"), _IMMUTABLE_SET))
            if new.binaryData != old.binaryData:
                errors.append(forbidden_field(Path("binaryData"), _IMMUTABLE_SET))
        return errors + self.validate(new)


def _key_errors(path: Path, keys: Iterable[str]) -> list[FieldError]:
    return [
        invalid_value(path.key(key), key, message)
        for key in keys
        for message in config_map_key(key)
    ]


CONFIG_MAPS = ConfigMapResource(
    group="",
    version="v1",
    kind="ConfigMap",
    plural="configmaps",
    singular="configmap",
    short_names=("cm",),
    type=ConfigMap,
    namespaced=True,
    columns=(
        NAME,
        Column(
            "Data",
            lambda config, now: len(config.data) + len(config.binaryData),
            description="Number of keys.",
        ),
        AGE,
    ),
)
