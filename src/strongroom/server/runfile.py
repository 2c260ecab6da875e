"""What a running server says of itself to `strongroom status` and to `strongroom up`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import msgspec

from strongroom.paths import run_dir
from strongroom.server.files import private_directory, write_private
from strongroom.server.options import Options
from strongroom.server.storage import KMS_NAME, OpenedStore


@contextlib.contextmanager
def run_file(options: Options, url: str, opened: OpenedStore) -> Iterator[None]:
    """Keep ``run/apiserver.json`` while the server runs. It names the key and holds none."""
    path = private_directory(run_dir(options.data_dir)) / "apiserver.json"
    facts = {
        "pid": os.getpid(),
        "url": url,
        "store": options.store,
        "encryption": {
            "provider": f"kms v2 ({KMS_NAME})",
            "keyID": opened.key_id,
            "keyFile": str(opened.key_file),
        },
    }
    write_private(path, msgspec.json.encode(facts))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
