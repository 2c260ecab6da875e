"""The programs of tpm2-tools, run one after another on one TPM, as one piece of work.

Nothing secret is in their arguments: it comes by standard input and goes by standard output. What
they keep between them (contexts of objects and sessions) lies in a directory of our own, in memory
where the system has such a place, and is gone afterwards, as are the objects in the TPM.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from strongroom.storage.encryption.port import KeyServiceError

DEVICE = "device:/dev/tpmrm0"
"""The kernel's resource manager, which keeps those who use the TPM apart from each other."""

POLICY_FAILED = 0x99D
NOT_GENUINE = 0x1DF
LOCKED_OUT = 0x921
_BAD_AUTH = {0x9A2, 0x98E}

_PATIENCE = 60.0
"""Seconds that a program may take; a TPM takes a second or two for the slowest."""
_CODE = re.compile(rb"\(0x([0-9A-Fa-f]{1,8})\)")
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it


class TPMError(KeyServiceError):
    """What the TPM answered; ``code`` is 0 where it never was asked."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class TPMTools:
    """A context in which programs are run. Raises `TPMError`."""

    def __init__(self, tcti: str | None = None) -> None:
        self.tcti = tcti or os.environ.get("TPM2TOOLS_TCTI") or DEVICE
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        where = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
        # Made 0700: the context of a session holds its key.
        made = tempfile.TemporaryDirectory(prefix="strongroom-tpm-", dir=where)
        self._directory = Path(self._stack.enter_context(made))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._stack, contextlib.suppress(TPMError):
            self.forget("-t")

    def run(self, program: str, *arguments: str, given: bytes = b"") -> bytes:
        """What a program writes to its standard output, with ``given`` as its input."""
        found = shutil.which(program)
        if found is None:
            raise TPMError(
                f"{program} is not installed, by which TPMs are used: apt-get install tpm2-tools"
            )
        environment = {**os.environ, "TPM2TOOLS_TCTI": self.tcti, "LC_ALL": "C"}
        try:
            done = subprocess.run(  # noqa: S603 - the program is one of tpm2-tools
                [found, *arguments],
                check=False,
                input=given,
                capture_output=True,
                cwd=self._directory,
                env=environment,
                timeout=_PATIENCE,
            )
        except subprocess.TimeoutExpired:
            # Without the cause, which would keep what was given.
            raise TPMError(f"the TPM ({self.tcti}) does not answer") from None
        if done.returncode:
            raise self._refused(program, done.stderr)
        return done.stdout

    def forget(self, what: str) -> None:
        """Have the TPM drop a session, or with ``-t`` the objects that were loaded.

        Through a resource manager that reaches our own only.
        """
        self.run("tpm2_flushcontext", what)

    def put(self, name: str, content: bytes) -> None:
        """A file for the programs."""
        (self._directory / name).write_bytes(content)

    def got(self, name: str) -> bytes:
        """What a program wrote into a file."""
        return (self._directory / name).read_bytes()

    def _refused(self, program: str, told: bytes) -> TPMError:
        if b"Could not load tcti" in told:
            return TPMError(
                f"there is no TPM at {self.tcti}, or it may not be used by this user "
                "(on Debian the group tss may)"
            )
        codes = _CODE.findall(told)
        code = int(codes[-1], 16) if codes else 0
        if code in _BAD_AUTH:
            return TPMError("the TPM's owner hierarchy has a password, so no key is made", code)
        if code == LOCKED_OUT:
            return TPMError("the TPM is locked out for a while: see tpm2_dictionarylockout", code)
        lines = [line for line in told.splitlines() if line.startswith(b"ERROR: ")]
        why = lines[0][7:].decode("ascii", "replace") if lines else "no reason given"
        return TPMError(f"{program}: {why}", code)
