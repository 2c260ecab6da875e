"""Every case of the benchmarks runs, small, against a real server and tells of its CPU."""

import json
import subprocess
import sys
from pathlib import Path

SMALL = [
    *(
        "--only",
        "memory,create,get,protobuf,lists,apply,strategic,fan-out,watches,authorize,binding,flat",
    ),
    *("--bindings", "2,20"),
    *("--seconds", "0.05", "--counts", "5,20", "--secrets", "600", "--watches", "10,20"),
]
"""More Secrets than a page holds; of all else, little."""


def test_every_case_measures_rates_and_the_servers_processor_time(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", *SMALL, "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    ours = json.loads(next(tmp_path.glob("*.json")).read_text())["ours"]
    assert all(value > 0 for name, value in ours.items() if name.endswith("/s"))
    for begin in ("create", "get", "list 600", "apply", "strategic", "fan-out", "20 watches"):
        assert any("server CPU us" in name for name in ours if name.startswith(begin)), begin
    assert ours["resident MB, empty"] > 10


def test_an_unknown_case_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "nothing"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "no case nothing; there are start, " in done.stderr
