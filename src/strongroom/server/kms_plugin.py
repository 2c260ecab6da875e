"""`strongroom kms serve`: our key as a KMS v2 plugin for any kube-apiserver.

python -m strongroom.server.kms_plugin --socket PATH [--key-file FILE | --key URI]
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from strongroom.paths import INSTALLATION_ID, default_data_dir, default_key_file
from strongroom.process import forbid_dumps
from strongroom.server.encryption.file_source import FileSource
from strongroom.server.encryption.options import add_source_options, chosen
from strongroom.server.encryption.sources import Source
from strongroom.server.memory import add_lock_option, keep_in_memory
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.keyservice import KeyService
from strongroom.storage.encryption.port import EncryptionError, KeyFileMissing
from strongroom.telemetry import LOG_LEVELS, log, setup_logging

logger = logging.getLogger("strongroom.kms")

_LOOK = 1.0
"""Seconds between two looks at whether the key file has a new first key."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    parser = _parser()
    found = parser.parse_args(sys.argv[1:] if argv is None else argv)
    try:
        found.source = chosen(found.key, found.key_file, found.passphrase_file)
    except ValueError as error:
        parser.error(str(error))
    os.umask(0o077)
    forbid_dumps()
    setup_logging(found.log_format, found.log_level)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        keep_in_memory(found.lock_memory)
        _serve(found.socket.absolute(), _service(found), stopping)
    except (EncryptionError, OSError) as error:
        sys.stderr.write(f"strongroom kms serve: {error}\n")
        return 1
    return 0


def _serve(socket: Path, service: KeyService, stopping: threading.Event) -> None:
    from strongroom.storage.encryption.plugin_server import KMSServer

    # Asked first, for what cannot be used is not to be offered.
    key_id = service.status()
    server = KMSServer(service, socket)
    log(logger, logging.INFO, "serving", socket=str(socket), key=key_id)
    sys.stdout.write(f"ready unix://{socket}\n")
    sys.stdout.flush()
    try:
        while not stopping.wait(_LOOK):
            if isinstance(service, KeyRing):
                _follow(service)
    finally:
        server.stop()
        socket.unlink(missing_ok=True)


def _follow(ring: KeyRing) -> None:
    """Take in a key that was put before the others: the API server asks for the id every minute."""
    before = ring.status()
    try:
        ring.reload()
    except EncryptionError as error:
        log(logger, logging.ERROR, "the keys stay as they were", error)
        return
    if ring.status() != before:
        log(logger, logging.INFO, "another key encrypts now", key=ring.status())


def _service(found: argparse.Namespace) -> KeyService:
    source: Source = found.source or FileSource(_installed(found.data_dir).absolute())
    if isinstance(source, FileSource) and not found.create and not source.path.exists():
        raise KeyFileMissing(
            f"there is no key file {source.path}: restore it, or make one with --create"
        )
    return source.open(new=found.create)


def _installed(data_dir: Path) -> Path:
    """The key file of the installation in a data directory. Raises OSError."""
    return default_key_file((data_dir / INSTALLATION_ID).read_text().strip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "strongroom kms serve",
        allow_abbrev=False,
        description="Offer the key of a key file, or one that is held elsewhere, as a KMS v2 "
        "plugin on a unix socket (0600), which any kube-apiserver may name in its "
        "EncryptionConfiguration.",
        epilog="example: strongroom kms serve --socket /run/kms.sock --key-file kms.key --create",
    )
    add = parser.add_argument
    either = parser.add_mutually_exclusive_group()
    add("--socket", type=Path, required=True, metavar="PATH", help="where to serve")
    either.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="the key file (default: that of the installation in --data-dir)",
    )
    add_source_options(parser, either, "--key", "--passphrase-file")
    add("--data-dir", type=Path, default=default_data_dir(), metavar="DIR", help="as of `up`")
    add_lock_option(parser)
    add("--create", action="store_true", help="make the key file if there is none")
    add("--log-format", choices=("json", "text"), default="text", help="form of the log")
    add("--log-level", choices=LOG_LEVELS, default="info", help="what is logged")
    return parser


if __name__ == "__main__":
    sys.exit(main())
