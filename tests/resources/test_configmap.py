"""ConfigMap: keys, size and immutability, with upstream's exact messages."""

from __future__ import annotations

from typing import Any

from strongroom.resources.configmap import CONFIG_MAPS, MAX_SIZE, ConfigMap
from tests.resources.making import NOW, made, texts


def _config(**fields: Any) -> ConfigMap:
    return made({"metadata": {"name": "c"}, **fields}, ConfigMap)


def test_a_key_stands_in_one_place_only() -> None:
    config = _config(data={"a": "1", "..": ""}, binaryData={"a": "aGk="})
    assert texts(CONFIG_MAPS.validate(config)) == [
        'data[a]: Invalid value: "a": duplicate of key present in binaryData',
        "data[..]: Invalid value: \"..\": must not be '..'",
    ]


def test_binary_keys_are_judged_too() -> None:
    errors = CONFIG_MAPS.validate(_config(binaryData={".": ""}))
    assert texts(errors) == ["binaryData[.]: Invalid value: \".\": must not be '.'"]


def test_the_size_of_all_values_in_bytes_is_limited() -> None:
    config = _config(data={"a": "é" * (MAX_SIZE // 2 - 1)}, binaryData={"b": "aGk="})
    assert CONFIG_MAPS.validate(config) == []
    config.data["c"] = "x"
    assert texts(CONFIG_MAPS.validate(config)) == [
        "[]: Too long: may not be more than 1048576 bytes"
    ]


def test_an_immutable_config_map_keeps_its_data() -> None:
    old = _config(data={"a": "1"}, binaryData={"b": ""}, immutable=True)
    new = _config(data={"a": "2"})
    detail = "Forbidden: field is immutable when `immutable` is set"
    assert texts(CONFIG_MAPS.validate_update(new, old)) == [
        f"immutable: {detail}",
        f"data: {detail}",
        f"binaryData: {detail}",
    ]
    old.immutable = None
    assert CONFIG_MAPS.validate_update(new, old) == []


def test_columns() -> None:
    config = _config(data={"a": "1"}, binaryData={"b": "aGk="})
    assert [column.name for column in CONFIG_MAPS.columns] == ["Name", "Data", "Age"]
    assert CONFIG_MAPS.columns_of(config, NOW) == ["c", 2, "<unknown>"]
