"""Starts one container: its namespaces, its root filesystem, its process 1, its command.

    node agent
    └── launcher   outside the container; parent of process 1, dies with the node agent
        └── init   process 1 of the container: forwards signals, reaps, ends with the command
            └── the container's command

The specification arrives on standard input as JSON (never in arguments or environment), news go
out on the status descriptor as one JSON object a line: `init` (process 1's pid), then `started` or
`error`, then `exit`. Only light standard modules are imported: this runs at every start.

Nothing outlives the node agent: the kernel kills the launcher with the agent, process 1 with the
launcher, and everything in a process namespace with its process 1.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal

from strongroom.node.runtimes import credentials, linux, rootfs

# Not from typing, whose import alone takes a fifth of a container's start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_ISOLATE = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
_CREATE = "CreateContainerError"
_RUN = "RunContainerError"
_MAX_MESSAGE = 600


class _StartFailed(Exception):
    """Carries the news for the node agent."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        # Short enough for a pipe to take it in one piece, whatever JSON makes of it.
        self.news = {"error": {"reason": reason, "message": message[:_MAX_MESSAGE]}}


def main(status: int, acknowledged: int) -> NoReturn:
    """Run one container to its end. Both arguments are inherited descriptors.

    The launcher doesn't reap process 1 before `acknowledged` closes: until then the pid that it
    announced can't mean another process.
    """
    spec = _begin(status, acknowledged)
    try:
        linux.unshare(_ISOLATE)
        launcher = os.pidfd_open(os.getpid())
        init = os.fork()
    except OSError as error:
        _tell(status, _StartFailed(_CREATE, f"namespaces: {error.strerror}").news)
        os._exit(1)
    if init == 0:
        _run_init(status, launcher, spec)
    del spec
    _tell(status, {"init": init})
    _detach_output()
    os.read(acknowledged, 1)
    os.waitpid(init, 0)
    os._exit(0)


def enter(status: int, container: int) -> NoReturn:
    """Run one more command in the container whose process 1 is behind the pidfd `container`.

    Ends with the command, or kills the command's process group on SIGTERM.
    """
    spec = _begin(status, container)
    try:
        linux.setns(container, _ISOLATE)
        launcher = os.pidfd_open(os.getpid())
        os.umask(0o022)
        command = _fork_command(spec, launcher)
    except OSError as error:
        _tell(status, _StartFailed(_RUN, f"exec: {error.strerror}").news)
        os._exit(1)
    except _StartFailed as failure:
        _tell(status, failure.news)
        os._exit(1)
    del spec
    _detach_output()
    while signal.sigwait({signal.SIGCHLD, signal.SIGTERM}) == signal.SIGTERM:
        os.killpg(command, signal.SIGKILL)
    _tell(status, {"exit": _ended(os.waitpid(command, 0)[1])})
    os._exit(0)


def _begin(*descriptors: int) -> dict[str, Any]:
    """Die with the node agent, keep the descriptors to ourselves, read the specification."""
    for fd in descriptors:
        os.set_inheritable(fd, False)
    linux.die_with_parent(signal.SIGKILL)
    with open(0, "rb", closefd=False) as stream:
        spec: dict[str, Any] = json.load(stream)
    # The node agent may have died before that call was made.
    if os.getppid() != spec["parent"]:
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    return spec


def _tell(status: int, news: dict[str, Any]) -> None:
    """One line, short enough for the pipe to take it whole."""
    os.write(status, json.dumps(news).encode() + b"\n")


def _detach_output() -> None:
    """Let go of the container's pipes, so that their end means the container's end."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


def _run_init(status: int, launcher: int, spec: dict[str, Any]) -> NoReturn:
    try:
        linux.die_with_parent(signal.SIGKILL)
        # The launcher may have died before that call; its descriptor is readable then.
        if select.select([launcher], [], [], 0)[0]:
            os._exit(1)
        linux.forbid_inspection()
        command = _start(spec)
        del spec
    except _StartFailed as failure:
        _tell(status, failure.news)
        os._exit(1)
    except rootfs.SetupError as failure:
        _tell(status, _StartFailed(_CREATE, str(failure)).news)
        os._exit(1)
    except OSError as error:
        what = f"root filesystem: {error.filename}: {error.strerror}"
        _tell(status, _StartFailed(_CREATE, what).news)
        os._exit(1)
    _tell(status, {"started": True})
    _detach_output()
    _tell(status, {"exit": _attend(command)})
    os._exit(0)


def _start(spec: dict[str, Any]) -> int:
    rootfs.build(spec)
    if spec["hostname"]:
        linux.set_hostname(spec["hostname"])
    os.umask(0o022)
    return _fork_command(spec, None)


def _fork_command(spec: dict[str, Any], dies_with: int | None) -> int:
    """Fork and exec the command; its pid once exec succeeded. Raises _StartFailed.

    The pipe closes by itself at a successful exec, so its end means that the command runs.
    """
    reader, writer = os.pipe()
    command = os.fork()
    if command == 0:
        failure = _execute(spec, dies_with)
        os.write(writer, json.dumps(failure.news).encode())
        os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        report = stream.read()
    if report:
        os.waitpid(command, 0)
        news = json.loads(report)["error"]
        raise _StartFailed(news["reason"], news["message"])
    return command


def _execute(spec: dict[str, Any], dies_with: int | None) -> _StartFailed:
    """Become the command; returns only what kept it from that."""
    try:
        os.setsid()
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        for fd in (1, 2):
            # The pipes are the node agent's: their new user may open them again as /dev/stdout.
            os.fchown(fd, spec["user"], -1)
        credentials.apply(spec)
    except OSError as error:
        ids = f"user {spec['user']}, group {spec['group']}, groups {spec['groups']}"
        return _StartFailed(_CREATE, f"can't run as {ids}: {error.strerror}")
    try:
        os.chdir(spec["cwd"])
    except OSError as error:
        return _StartFailed(_RUN, f"chdir to cwd failed: {error.strerror}")
    if dies_with is not None:
        # After the change of user, which clears this setting.
        linux.die_with_parent(signal.SIGKILL)
        if select.select([dies_with], [], [], 0)[0]:
            os._exit(1)
    # All of them: what the agent's starter ignores (a shell's `&` ignores SIGINT) is inherited.
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is not signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    return _exec(spec["argv"], spec["env"])


def _exec(argv: list[str], env: dict[str, str]) -> _StartFailed:
    name = argv[0]
    # Expansion may have put a Secret's value into the command: then it isn't named.
    values = [value for key, value in env.items() if value and key not in ("PATH", "HOSTNAME")]
    shown = json.dumps("..." if any(value in name for value in values) else name)
    folders = [""] if "/" in name else env["PATH"].split(":")
    refused = None
    for folder in folders:
        try:
            os.execve(os.path.join(folder, name), argv, env)  # noqa: S606, PTH118 - no shell is meant
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                refused = refused or error
        except ValueError:
            return _StartFailed(_RUN, "exec: an argument or variable holds NUL or isn't text")
    if refused is not None:
        return _StartFailed(_RUN, f"exec: {shown}: {(refused.strerror or '').lower()}")
    if "/" in name:
        return _StartFailed(_RUN, f"exec: {shown}: no such file or directory")
    return _StartFailed(_RUN, f"exec: {shown}: executable file not found in $PATH")


def _attend(command: int) -> dict[str, int]:
    """Process 1's work until the command ends: pass signals on, reap orphans."""
    while True:
        number = signal.sigwait(signal.valid_signals())
        if number != signal.SIGCHLD:
            os.kill(command, number)
            continue
        while True:
            pid, result = os.waitpid(-1, os.WNOHANG)
            if pid == command:
                return _ended(result)
            if pid == 0:
                break


def _ended(result: int) -> dict[str, int]:
    """A wait status as the port's exit code and signal."""
    if os.WIFSIGNALED(result):
        return {"code": 128 + os.WTERMSIG(result), "signal": os.WTERMSIG(result)}
    return {"code": os.WEXITSTATUS(result), "signal": 0}
