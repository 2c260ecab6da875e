"""`make demo`: the main job, end to end, through the real kubectl and the public API.

Starts everything on the embedded default in a scratch directory, applies examples/hello, shows the
pod reading its Secret, changes the Secret, shows the pod's file follow and how long it took.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
HELLO = ROOT / "examples" / "hello"
CHANGES = ("good evening", "good night", "sleep well")


def main() -> int:
    """Run the demonstration; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="strongroom-demo-") as scratch:
        step("strongroom up", "API server, controllers and node agent; encryption on")
        with up(Path(scratch)) as kubeconfig:
            demo = Demo(kubeconfig, Path(scratch))
            demo.run()
    step("done", "everything stopped, and the scratch directory is gone. Try it yourself:")
    sys.stdout.write(WHAT_NEXT)
    return 0


class Demo:
    """The steps after the start, each a kubectl command that is shown before its output."""

    def __init__(self, kubeconfig: str, scratch: Path) -> None:
        # kubectl's cache of discovery would otherwise stay in the home directory.
        cache = str(scratch / "kubectl-cache")
        self._environment = {**os.environ, "KUBECONFIG": kubeconfig, "KUBECACHEDIR": cache}

    def run(self) -> None:
        """Apply, look, change, and show the file follow."""
        self.kubectl("apply", "-f", str(HELLO.relative_to(ROOT)))
        self.kubectl("wait", "--for=condition=Ready", "pod/hello", "--timeout=60s")
        self.kubectl("get", "secret,pod", "-o", "wide")
        self.wait_for_log("file:")
        self.kubectl("logs", "hello")
        step("change the Secret", "the pod watches its file with inotify")
        for text in CHANGES:
            self.change(text)
        self.kubectl("logs", "hello")
        self.kubectl("delete", "-f", str(HELLO.relative_to(ROOT)))

    def change(self, text: str) -> None:
        """Patch the Secret over the API and tell how long the file took from the answer on."""
        acknowledged = self.patch({"stringData": {"greeting": text}})
        line = self.wait_for_log(f"greeting = {text} ")
        match = re.search(r"seen at ([0-9.]+)", line)
        assert match is not None, line
        late = (float(match[1]) - acknowledged) * 1000
        when = f"{late:.1f} ms after" if late > 0 else f"{-late:.1f} ms before"
        say(f"   greeting = {text!r}: in the pod's file {when} the API's answer arrived")

    def patch(self, patch: dict[str, object]) -> float:
        """One PATCH of the Secret; the wall-clock time at which the answer was here."""
        import asyncio

        from strongroom.client.client import Client
        from strongroom.client.config import load_config
        from strongroom.resources.secret import SECRETS

        async def send() -> float:
            config = load_config(Path(self._environment["KUBECONFIG"]))
            async with Client(config) as client:
                await client.patch(SECRETS, "hello", "default", patch)
                return time.time()

        return asyncio.run(send())

    def kubectl(self, *arguments: str) -> None:
        """Run kubectl and show both the command and what it says."""
        say(f" $ kubectl {' '.join(arguments)}")
        done = self._run(*arguments)
        for line in done.stdout.splitlines():
            say(f"   {line}")

    def wait_for_log(self, text: str) -> str:
        """The pod's log line that holds ``text``, waited for at most 30 s."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for line in self._run("logs", "hello").stdout.splitlines():
                if text in line:
                    return line
            time.sleep(0.2)
        raise SystemExit(f"demo: the pod never printed {text!r}")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [BIN / "kubectl", *arguments],
            env=self._environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip - one line for how, one for what
        if done.returncode != 0:
            raise SystemExit(f"demo: kubectl {' '.join(arguments)} failed:\n{done.stderr}")
        return done


@contextlib.contextmanager
def up(scratch: Path) -> Iterator[str]:
    """`strongroom up` in ``scratch``; gives the kubeconfig's path and stops all at the end."""
    began = time.monotonic()
    process = subprocess.Popen(
        [
            BIN / "strongroom",
            "up",
            "--data-dir",
            scratch / "data",
            "--port",
            "0",
            "--encryption-key-file",
            scratch / "encryption.key",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip - an option and its value on one line
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if not line.startswith("ready "):
            raise SystemExit("demo: strongroom up did not become ready (its reason is above)")
        say(f"   {line}")
        say(f"   ready after {time.monotonic() - began:.1f} s")
        yield line.split("kubeconfig=", 1)[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def step(title: str, text: str) -> None:
    """A heading."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    say(f"\n{bold}== {title}{plain}: {text}")


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


WHAT_NEXT = """
   . .venv/bin/activate
   strongroom up --data-dir ./room &        # prints a line that begins with: ready
   export KUBECONFIG=$PWD/room/admin.kubeconfig
   kubectl create secret generic db --from-literal=password=t0p-Secret
   kubectl apply -f examples/pods/env.yaml && kubectl logs -f env
   strongroom status
   kill %1                                  # stops it; started again, it goes on
"""


if __name__ == "__main__":
    sys.exit(main())
