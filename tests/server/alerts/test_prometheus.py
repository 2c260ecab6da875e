"""The rules for Prometheus, by its own tool; what they ask for is tested in test_alerts.py."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

PROMETHEUS = Path(__file__).parents[3] / "examples" / "prometheus"


def test_promtool_agrees_where_it_is_installed() -> None:
    """Prometheus is too large to install for this alone."""
    promtool = shutil.which("promtool")
    names = [
        ("check", "strongroom.alerts.rules.yaml"),
        ("test", "strongroom.alerts.rules.test.yaml"),
    ]
    for command, name in names if promtool else []:
        argv = [str(promtool), command, "rules", str(PROMETHEUS / name)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
