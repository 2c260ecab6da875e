"""Compiles requirements/*.txt, with hashes for every platform and nothing of this machine in them.

pip-tools lives in an environment of its own (build/lock), so that it is no part of what it locks.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

PIP_TOOLS: Final = "pip-tools==7.6.2"
EXTRAS: Final = ("--extra=pkcs11", "--extra=gcp", "--extra=azure")
WORKSHOP: Final = Path("build/lock")
# No index address, host or path of the machine that compiled; hashes for all files of a release.
OPTIONS: Final = (
    "--quiet",
    "--generate-hashes",
    "--strip-extras",
    "--allow-unsafe",
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-find-links",
    "--no-emit-options",
)


def compile_lock(output: str, *sources: str) -> None:
    """Write the lock `output` from `sources`, keeping its present pins where they still hold.

    ``sources`` may hold options too.
    """
    subprocess.run(
        [WORKSHOP / "bin/pip-compile", *OPTIONS, *sys.argv[1:], "--output-file", output, *sources],
        check=True,
        env={**os.environ, "CUSTOM_COMPILE_COMMAND": "make lock"},
    )


def main() -> None:
    """Lock the package's own dependencies, then the developers' on top of the same versions.

    Developers have every extra but that of AWS, whose client and Kubernetes' official one cannot
    agree on a version of dateutil: requirements/parts.txt has it.
    """
    venv.create(WORKSHOP, with_pip=True)
    python = str(WORKSHOP / "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", PIP_TOOLS], check=True)
    compile_lock("requirements/runtime.txt", "pyproject.toml")
    compile_lock("requirements/dev.txt", *EXTRAS, "pyproject.toml", "requirements/dev.in")


if __name__ == "__main__":
    main()
