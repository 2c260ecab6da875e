"""What the start of a server does not wait for: libraries that few servers ever need."""

from __future__ import annotations

import subprocess
import sys

LATER = (
    *("aiohttp", "antlr4", "grpc", "jwt", "nacl", "strongroom.api.cel", "wsproto", "yaml"),
    *("azure", "boto3", "botocore", "google.cloud", "pkcs11"),
)


def test_what_few_need_is_not_loaded_at_start() -> None:
    code = "import sys, strongroom.server.main; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(LATER) & set(run.stdout.split())


def test_no_schema_of_a_kind_is_walked_at_start() -> None:
    """All of them take 150 ms; a kind's is walked with its first use."""
    code = (
        "import strongroom.server.main;"
        "from strongroom.api.schema import schema_of; from strongroom.resources.pod import Pod;"
        "before = schema_of.cache_info().misses; schema_of(Pod);"
        "print(before, schema_of.cache_info().misses - before)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, of_pod = map(int, run.stdout.split())
    assert before <= 5
    assert of_pod == 1
