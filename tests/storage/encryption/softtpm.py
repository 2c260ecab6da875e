"""A TPM in software (swtpm), for the tests of keys that one seals."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.parts import require_part
from tests.waiting import eventually


class SoftTPM:
    """The process, which keeps its state when it is started again."""

    def __init__(self) -> None:
        self._program = require_part("swtpm")
        require_part("tpm2")
        # Names of sockets are short, and those of directories of tests are not.
        self._directory = Path(tempfile.mkdtemp(prefix="swtpm-"))
        self.tcti = f"swtpm:path={self._directory}/tpm"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """As a machine does that is switched on: what the PCRs held is gone."""
        sockets = [f"type=unixio,path={self._directory}/{name}" for name in ("tpm", "tpm.ctrl")]
        argv = [str(self._program), "socket", "--tpm2", "--tpmstate", f"dir={self._directory}"]
        argv += ["--server", sockets[0], "--ctrl", sockets[1]]
        argv += ["--flags", "not-need-init,startup-clear"]
        self._process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        eventually((self._directory / "tpm").exists)

    def stop(self) -> None:
        """Switch it off."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        for name in ("tpm", "tpm.ctrl"):
            (self._directory / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Throw it away."""
        self.stop()
        shutil.rmtree(self._directory)

    def ask(self, program: str, *arguments: str) -> str:
        """What one of tpm2-tools tells."""
        environment = {**os.environ, "TPM2TOOLS_TCTI": self.tcti}
        argv = [program, *arguments]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def extend(self, number: int) -> None:
        """Measure something into a PCR."""
        self.ask("tpm2_pcrextend", f"{number}:sha256={'a' * 64}")
