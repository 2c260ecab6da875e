"""No core dump of a command for people, which may hold values: seen from outside while it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml


def test_a_command_that_asks_a_server_leaves_no_core(tmp_path: Path) -> None:
    # The login program is called before anything is asked, and looks at who called it.
    login = tmp_path / "login"
    login.write_text(f"#!/bin/sh\ncat /proc/$PPID/limits > {tmp_path}/limits\nexit 1\n")
    login.chmod(0o700)
    called = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(login)}
    config = {
        "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "a", "user": {"exec": called | {"interactiveMode": "Never"}}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    done = subprocess.run(
        [sys.executable, "-m", "strongroom", "secret", "show", "db"],
        env={**os.environ, "KUBECONFIG": str(tmp_path / "config")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    limits = (tmp_path / "limits").read_text().splitlines()
    (core,) = (line for line in limits if line.startswith("Max core file size"))
    assert core.split()[-3:-1] == ["0", "0"]
