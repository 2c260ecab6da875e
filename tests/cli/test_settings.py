"""The settings file of `strongroom up`."""

from pathlib import Path

import click
import pytest

from strongroom.cli import up
from strongroom.cli.settings import load_settings
from strongroom.telemetry import LOG_LEVELS

HEAD = "apiVersion: strongroom.io/v1alpha1\nkind: UpConfiguration\n"


def load(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "up.yaml"
    path.write_text(text)
    return load_settings(path)


def test_settings_become_parameters_of_up(tmp_path: Path) -> None:
    text = HEAD + "port: 0\nnode: false\napiserverArgs: [--event-ttl, 5m]\n"
    assert load(tmp_path, text) == {
        "port": 0,
        "with_node": False,
        "arguments": ("--event-ttl", "5m"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "ports: 1\n", 'unknown setting "ports"; known are dataDir, bind, port'),
        (HEAD + "port: '1'\n", "port: expected int"),
        (HEAD + "port: true\n", "port: expected int"),
        (HEAD + "apiserverArgs: [1]\n", "apiserverArgs: expected a list of strings"),
        ("port: 1\n", "expected apiVersion: strongroom.io/v1alpha1 and kind: UpConfiguration"),
        ("[1]\n", "expected a mapping of settings"),
        ("a: [\n", "not valid YAML (line 2, column 1)"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(click.UsageError) as error:
        load(tmp_path, text)
    assert message in str(error.value)
    assert "up.yaml" in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match=r"absent\.yaml: No such file"):
        load_settings(tmp_path / "absent.yaml")


def test_up_knows_the_levels_that_its_parts_know() -> None:
    (option,) = (p for p in up.command.params if p.name == "log_level")
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == LOG_LEVELS  # written twice, to keep `--help` light
