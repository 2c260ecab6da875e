"""`strongroom keys passphrase`: seals a key file under a passphrase, or under another one.

python -m strongroom.server.key_passphrase KEY-FILE --new-passphrase-file FILE
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from strongroom.process import forbid_dumps
from strongroom.server.encryption.file_source import FileSource, UnderPassphrase
from strongroom.storage.encryption.passphrase import PassphraseSeal
from strongroom.storage.encryption.passphrasefile import PassphraseFile
from strongroom.storage.encryption.port import EncryptionError


def main(argv: Sequence[str] | None = None) -> int:
    """Seal the file; returns the exit code."""
    found = _parser().parse_args(sys.argv[1:] if argv is None else argv)
    forbid_dumps()
    source = FileSource(found.key_file.absolute())
    if found.passphrase_file is not None:
        source = replace(source, sealing=UnderPassphrase(found.passphrase_file))
    try:
        source.open().reseal(PassphraseSeal(PassphraseFile(found.new_passphrase_file)))
    except EncryptionError as error:
        sys.stderr.write(f"strongroom keys passphrase: {error}\n")
        return 1
    sys.stdout.write(
        f"{found.key_file} is sealed under the new passphrase; its backups are as they were\n"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "strongroom keys passphrase",
        allow_abbrev=False,
        description="Seal a key file under a passphrase, or under another one than before. The "
        "keys stay what they are. A server that has the file in use goes on, and opens it again "
        "when its own passphrase file says the new one.",
        epilog="example: strongroom keys passphrase kms.key --new-passphrase-file NEW",
    )
    add = parser.add_argument
    add("key_file", type=Path, metavar="KEY-FILE", help="the key file, which is replaced")
    add("--passphrase-file", metavar="FILE", help="passphrase that it is sealed under, if any")
    add(
        "--new-passphrase-file",
        metavar="FILE",
        required=True,
        help="passphrase that it is to be sealed under; - for standard input",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
