"""`strongroom kms serve` and an API server that stores with it, as processes."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.stored import Stored, look
from strongroom.testing.process import StartFailed, Strongroom
from tests.e2e.kubectl import Kubectl
from tests.server.encryption.test_configuration import document, entry, kms

pytestmark = pytest.mark.needs("kubectl")


@contextlib.contextmanager
def plugin(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Serve a key of ours at ``kms.sock``."""
    words = ["--socket", str(directory / "kms.sock"), "--key-file", str(directory / "kms.key")]
    command = [sys.executable, "-m", "strongroom", "kms", "serve", *words, "--create"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready unix://{directory / 'kms.sock'}\n"
        try:
            yield process
        finally:
            process.kill()


def stored(directory: Path, key: str) -> Stored:
    with contextlib.closing(sqlite3.connect(directory / "room/data/store/strongroom.db")) as store:
        found = store.execute("SELECT value FROM log WHERE key = ? ORDER BY revision", (key,))
        return look(found.fetchall()[-1][0])


def test_a_server_stores_with_our_plugin(tmp_path: Path) -> None:
    endpoint = f"'unix://{tmp_path / 'kms.sock'}'"
    path = tmp_path / "encryption.yaml"
    path.write_bytes(document(f"[{entry('secrets', kms(endpoint=endpoint, timeout='10s'))}]"))
    given = ("--encryption-provider-config", str(path))
    with plugin(tmp_path) as serving:
        assert "Max core file size        0 " in Path(f"/proc/{serving.pid}/limits").read_text()
        assert "\nUmask:\t0077\n" in Path(f"/proc/{serving.pid}/status").read_text()
        with Strongroom.start(tmp_path / "room", "apiserver", *given) as room:
            kubectl = Kubectl(room.kubeconfig, "default", tmp_path)
            kubectl("create", "secret", "generic", "db", "--from-literal=password=t0p")
            key_id = KeyRing.load(tmp_path / "kms.key").status()
            where = "/registry/secrets/default/db"
            assert stored(tmp_path, where) == Stored("kms v2", "vault", key_id)
            # Without the plugin, what is known is read, and written for a while.
            serving.kill()
            kubectl("create", "secret", "generic", "more", "--from-literal=password=t0p")
            assert "password" in kubectl("get", "secret", "db", "-o", "jsonpath={.data}")
        path.write_bytes(document(f"[{entry('secrets', kms(endpoint=endpoint, timeout='100ms'))}]"))
        with pytest.raises(StartFailed, match="KMS provider 'vault' cannot be used"):
            Strongroom.start(tmp_path / "room", "apiserver", *given)
    path.write_bytes(document(f"[{entry('secrets', kms(endpoint=endpoint, timeout='10s'))}]"))
    with plugin(tmp_path) as serving:
        with Strongroom.start(tmp_path / "room", "apiserver", *given) as room:
            kubectl = Kubectl(room.kubeconfig, "default", tmp_path)
            for name in ("db", "more"):
                assert "password" in kubectl("get", "secret", name, "-o", "jsonpath={.data}")
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0
    assert not (tmp_path / "kms.sock").exists()
