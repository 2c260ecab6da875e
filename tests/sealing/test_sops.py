"""What the real sops makes of our files, also of those that somebody changed."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from strongroom.api import yaml_text
from strongroom.backup.age_keys import Identity
from strongroom.sealing.sops import sealed
from tests.parts import require_part

pytestmark = pytest.mark.needs("sops")

TREE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "db",
        "namespace": "shop",
        "labels": {"yes": "true", "n": "1", "data": "as SOPS sees it", "day": "2001-1-1"},
        "annotations": {"2001-1-1": "new year", "stringData": ""},
    },
    "type": "Opaque",
    "immutable": True,
    "data": {"password": "aHVudGVyMg==", "empty": "", "a.b-c_d": "/w=="},
}
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Reader:
    """Somebody with an identity of age, and sops."""

    def __init__(self, directory: Path) -> None:
        self.identity, self._secret = Identity.make()
        self._file = directory / "db.yaml"

    def decrypt(self, text: str) -> subprocess.CompletedProcess[str]:
        self._file.write_text(text)
        return subprocess.run(
            [require_part("sops"), "decrypt", str(self._file)],
            env={"PATH": os.environ["PATH"], "SOPS_AGE_KEY": self._secret},
            capture_output=True,
            text=True,
        )


def test_sops_opens_it_for_each_recipient_and_for_nobody_else(tmp_path: Path) -> None:
    one, two, other = (Reader(tmp_path) for _ in range(3))
    recipients = [one.identity.recipient, two.identity.recipient]
    text = yaml_text.dump(sealed(TREE, recipients, NOW), sort_keys=False)
    assert "aHVudGVyMg" not in text
    assert "password: ENC[AES256_GCM,data:" in text
    for reader in (one, two):
        done = reader.decrypt(text)
        assert done.returncode == 0, done.stderr
        assert yaml_text.load(done.stdout.encode())[0] == TREE
    assert other.decrypt(text).returncode != 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type: Opaque", "type: other"),
        ("    password: ENC", "    passwort: ENC"),
        ("immutable: true", "immutable: false"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"),
    ],
)
def test_sops_notices_every_change(tmp_path: Path, old: str, new: str) -> None:
    reader = Reader(tmp_path)
    text = yaml_text.dump(sealed(TREE, [reader.identity.recipient], NOW), sort_keys=False)
    changed = text.replace(old, new).replace(old.lstrip(), new.lstrip())
    assert changed != text
    assert reader.decrypt(changed).returncode != 0


def test_what_has_no_form_in_it_is_refused() -> None:
    with pytest.raises(ValueError, match="a manifest with a list in it"):
        sealed({"data": {"a": ["b"]}}, [], NOW)
