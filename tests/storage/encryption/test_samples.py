"""Values that others have stored are read: all that lies in ``samples`` and in ``examples/import``.

What a sample is made of stands in ``samples/README.md``.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.server.encryption.configuration import read_encryption
from strongroom.server.encryption.providers import Providers
from strongroom.snapshot.file import opened
from strongroom.snapshot.keys import Keys
from strongroom.storage.encryption import wire
from strongroom.storage.encryption.choosing import section
from strongroom.storage.encryption.plugin import V1, V2
from tests.storage.encryption.plugins import plugin_that

SAMPLES = Path(__file__).parent / "samples"
IMPORT = Path(__file__).parents[3] / "examples" / "import"
VALUES = sorted(path for path in SAMPLES.glob("*.*") if path.suffix in (".json", ".yaml"))
SNAPSHOTS = [*sorted(path.parent for path in SAMPLES.glob("*/snapshot.db")), IMPORT]


@contextlib.contextmanager
def plugin(answers: list[dict[str, str]], socket: Path) -> Iterator[str]:
    """A KMS plugin of both versions that decrypts what it is told to, and nothing else."""
    known = {base64.b64decode(a["ciphertext"]): base64.b64decode(a["plaintext"]) for a in answers}

    def decrypt(field: int, question: bytes) -> bytes:
        return wire.field(1, known[wire.read(question).data(field)])

    methods = {
        f"{V1}Version": lambda _: wire.field(1, b"v1beta1"),
        f"{V1}Decrypt": lambda question: decrypt(2, question),
        f"{V2}Decrypt": lambda question: decrypt(1, question),
    }
    with plugin_that(methods, socket) as endpoint:
        yield endpoint


def with_endpoint(configuration: Any, endpoint: str) -> bytes:
    """The configuration, with all plugins at this endpoint."""
    for resource in configuration["resources"]:
        for provider in resource["providers"]:
            if "kms" in provider:
                provider["kms"]["endpoint"] = endpoint
    return json.dumps(configuration).encode()


@contextlib.contextmanager
def providers(configuration: bytes) -> Iterator[Providers]:
    made = Providers(read_encryption(configuration))
    try:
        yield made
    finally:
        made.close()


def opened_value(made: Providers, key: str, stored: bytes) -> bytes:
    return made.choose(section(key)).from_storage(stored, context=key.encode()).value


@pytest.mark.parametrize("file", VALUES, ids=lambda path: path.stem)
def test_values(file: Path, tmp_path: Path) -> None:
    sample = yaml.safe_load(file.read_text())
    with (
        plugin(sample.get("plugin", []), tmp_path / "plugin.sock") as endpoint,
        providers(with_endpoint(sample["configuration"], endpoint)) as made,
    ):
        assert sample["objects"]
        for told in sample["objects"]:
            stored, plain = (base64.b64decode(told[name]) for name in ("stored", "plain"))
            assert opened_value(made, told["key"], stored) == plain


@pytest.mark.parametrize("directory", SNAPSHOTS, ids=lambda path: path.name)
def test_snapshots(directory: Path) -> None:
    expected: Mapping[str, str] = json.loads((directory / "expected.json").read_text())
    with (
        providers((directory / "encryption.yaml").read_bytes()) as made,
        opened(directory / "snapshot.db") as data,
    ):
        keys = Keys(data, b"/registry/secrets/")
        found = {key.decode(): keys.value(place) for key, place in keys.now().items()}
        assert {
            key: hashlib.sha256(opened_value(made, key, stored)).hexdigest()
            for key, stored in found.items()
        } == expected


def test_there_are_samples_of_every_scheme() -> None:
    assert {"aescbc-256", "aesgcm-256", "kms-v1", "kms-v2", "secretbox"} <= {
        path.stem for path in VALUES
    }
