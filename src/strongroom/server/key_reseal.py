"""`strongroom keys reseal`: puts the keys of a file under another seal, there or in a copy.

python -m strongroom.server.key_reseal FROM TO
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from strongroom.process import forbid_dumps
from strongroom.server.encryption.file_source import FileSource
from strongroom.server.encryption.options import chosen
from strongroom.server.encryption.sources import key_source
from strongroom.storage.encryption.port import EncryptionError


def main(argv: Sequence[str] | None = None) -> int:
    """Seal the keys anew; returns the exit code."""
    parser = _parser()
    found = parser.parse_args(sys.argv[1:] if argv is None else argv)
    forbid_dumps()
    try:
        before = _file(chosen(found.before, None, found.passphrase_file))
        after = _file(chosen(found.after, None, found.new_passphrase_file))
    except ValueError as error:
        parser.error(str(error))
    same = before.path.resolve() == after.path.resolve()
    try:
        ring, seal = before.open(), after.sealing.seal()
        if same:
            ring.reseal(seal)
        else:
            ring.copy(after.path, seal)
    except EncryptionError as error:
        sys.stderr.write(f"strongroom keys reseal: {error}\n")
        return 1
    rest = "its backups are as they were" if same else f"{before.path} is as it was"
    sys.stdout.write(f"the keys are in {after} now; {rest}\n")
    return 0


def _file(source: object) -> FileSource:
    if not isinstance(source, FileSource):
        raise ValueError("only keys in files can be sealed anew")
    return source


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "strongroom keys reseal",
        allow_abbrev=False,
        description="Put the keys of a key file under another seal. Where both URIs name the same "
        "file it is replaced, and a server is to be started with the new one from then on: one "
        "that runs keeps the keys that it has. Where they name two, the second is made, as a copy "
        "that opens in another way; what is there is never overwritten. The keys stay what they "
        "are.",
        epilog="example: strongroom keys reseal file:the.key 'tpm:the.key?pcrs=sha256:7'",
    )
    add = parser.add_argument
    add("before", type=key_source, metavar="FROM", help="the key file as it is, as a URI")
    add("after", type=key_source, metavar="TO", help="the key file as it is to be, as a URI")
    add("--passphrase-file", metavar="FILE", help="passphrase, if FROM is passphrase:FILE")
    add("--new-passphrase-file", metavar="FILE", help="passphrase, if TO is passphrase:FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
