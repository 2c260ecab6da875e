"""The real kubectl, bound to one server and one namespace."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.parts import require_part


@dataclass(frozen=True)
class Done:
    """How one call of kubectl ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Kubectl:
    """Calls kubectl as a person would, from ``directory``, as the user of ``kubeconfig``.

    ``program`` is a name for ``require_part``, such as that of an older kubectl.
    """

    kubeconfig: Path
    namespace: str
    directory: Path
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    program: str = "kubectl"

    def __call__(self, *arguments: str, stdin: str | None = None, code: int = 0) -> str:
        """What a call prints. It must end with ``code``."""
        done = self.run(*arguments, stdin=stdin)
        assert done.code == code, f"kubectl {' '.join(arguments)}: {done}"
        return done.out

    def fails(self, *arguments: str, stdin: str | None = None) -> str:
        """What a call that must fail says on standard error."""
        done = self.run(*arguments, stdin=stdin)
        assert done.code == 1, f"kubectl {' '.join(arguments)}: {done}"
        return done.err

    def run(self, *arguments: str, stdin: str | None = None) -> Done:
        """A call, however it ends."""
        done = subprocess.run(
            self._argv(arguments),
            env=self._environment(),
            cwd=self.directory,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A call that goes on, such as a watch; its standard output is a pipe of lines."""
        return subprocess.Popen(
            self._argv(arguments),
            env=self._environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def object(self, *arguments: str) -> Any:
        """What ``kubectl get ARGUMENTS -o json`` gives."""
        return json.loads(self("get", *arguments, "-o", "json"))

    def apply(self, text: str) -> str:
        """``kubectl apply -f -`` of a manifest."""
        return self("apply", "-f", "-", stdin=text)

    def _argv(self, arguments: tuple[str, ...]) -> list[str]:
        return [str(require_part(self.program)), "--namespace", self.namespace, *arguments]

    def _environment(self) -> dict[str, str]:
        # kubectl is no Python: what makes coverage start in it is only in the way.
        kept = {name: v for name, v in os.environ.items() if not name.startswith("COV")}
        caches = str(self.kubeconfig.parent / f"{self.program}-cache")
        return {
            **kept,
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": caches,
            "HOME": str(self.directory),
            "TMPDIR": str(self.directory),
            **self.environment,
        }
