"""The settings of `strongroom up`: from the command line, or from a file by `--config`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

API_VERSION = "strongroom.io/v1alpha1"
KIND = "UpConfiguration"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the file: its Python type and the option of `up` that it stands for."""

    type: type
    parameter: str


SETTINGS = {
    "dataDir": Setting(str, "data_dir"),
    "bind": Setting(str, "bind"),
    "port": Setting(int, "port"),
    "kubeconfig": Setting(str, "kubeconfig"),
    "store": Setting(str, "store"),
    "node": Setting(bool, "with_node"),
    "controllers": Setting(bool, "with_controllers"),
    "apiserverArgs": Setting(list, "arguments"),
}


def load_settings(path: Path) -> dict[str, Any]:
    """Read a settings file into parameters of `up`.

    Raises click.UsageError that names the file and the key for anything unknown or mistyped.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise click.UsageError(f"{path}: not valid YAML{_place(error)}") from error
    if not isinstance(content, dict):
        raise click.UsageError(f"{path}: expected a mapping of settings")
    if (content.pop("apiVersion", None), content.pop("kind", None)) != (API_VERSION, KIND):
        raise click.UsageError(f"{path}: expected apiVersion: {API_VERSION} and kind: {KIND}")
    return {
        SETTINGS[key].parameter: _checked(path, key, content[key])
        for key in content
        if _known(path, key)
    }


def _known(path: Path, key: object) -> bool:
    if key not in SETTINGS:
        known = ", ".join(SETTINGS)
        raise click.UsageError(f'{path}: unknown setting "{key}"; known are {known}')
    return True


def _checked(path: Path, key: str, value: Any) -> Any:
    wanted = SETTINGS[key].type
    if type(value) is not wanted:
        raise click.UsageError(f"{path}: {key}: expected {wanted.__name__}")
    if not isinstance(value, list):
        return value
    if not all(isinstance(item, str) for item in value):
        raise click.UsageError(f"{path}: {key}: expected a list of strings")
    return tuple(value)


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
