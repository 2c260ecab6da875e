"""The `process` runtime: containers as host processes with their own view of the filesystem.

No container engine and no image: the command runs in a private mount, process, IPC and host name
namespace over the host's own files (`image` is taken as given). It shares the host's network and
kernel and is no security sandbox; docs/decisions/0020-process-runtime.md says what it keeps apart.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from strongroom.node.runtimes.container import Container
from strongroom.node.runtimes.execution import execute
from strongroom.node.runtimes.home import VolumeHome
from strongroom.node.runtimes.logs import ContainerLog
from strongroom.node.runtimes.port import (
    ContainerHandle,
    ContainerSpec,
    ContainerStartError,
    ContainerStatus,
    ExecResult,
    Exit,
    LogOptions,
    RuntimeUnavailable,
    UnknownContainer,
)

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ProcessRuntime:
    """A `Runtime` on one `VolumeHome`. Use it from one event loop.

    The loop's thread has to live as long as the node: the kernel ends a container with the thread
    that launched it.

    `hidden_paths` are files and directories of the host that no container may see (strongroom's
    own data, its key file); the home is always hidden.
    """

    def __init__(self, home: VolumeHome, *, hidden_paths: Sequence[Path] = ()) -> None:
        self._home = home
        self._hidden = [str(path.resolve()) for path in hidden_paths]
        self._containers: dict[str, Container] = {}
        self._closed = False

    async def start(self) -> None:
        """Run an empty program the way every container runs, to see whether the kernel lets us."""
        probe = ContainerSpec(
            pod_uid="probe",
            namespace="",
            pod="",
            name="probe",
            attempt=0,
            argv=(sys.executable, "-I", "-S", "-c", ""),
            env={},
        )
        try:
            handle = await self.start_container(probe)
        except ContainerStartError as error:
            raise RuntimeUnavailable(f"containers can't be run here: {error.message}") from error
        await self.wait(handle.id)
        await self.remove_container(handle.id)

    async def close(self) -> None:
        self._closed = True
        for container in self._containers.values():
            container.kill()
        await asyncio.gather(*(container.wait() for container in self._containers.values()))

    async def start_container(self, spec: ContainerSpec) -> ContainerHandle:
        if self._closed:
            raise ContainerStartError("CreateContainerError", "the runtime is closed")
        if not spec.argv:
            # There's no image to take one from.
            raise ContainerStartError("CreateContainerError", "no command specified")
        container_id = secrets.token_hex(32)
        log = ContainerLog(self._home.runtime("logs") / f"{container_id}.log")
        message_file = self._home.runtime("messages") / container_id
        message_file.touch()
        # Any user of the container may write its own termination message.
        message_file.chmod(0o666)
        container = Container(container_id, spec, log, message_file)
        self._containers[container_id] = container
        try:
            await container.launch(self._payload(spec, message_file))
        except BaseException:
            self._discard(container)
            raise
        return ContainerHandle(container_id, container.started_at)

    async def stop_container(self, container_id: str, *, grace: float) -> Exit:
        container = self._find(container_id)
        if container.exit is None and grace > 0:
            container.signal(container.spec.stop_signal)
            try:
                return await asyncio.wait_for(container.wait(), grace)
            except TimeoutError:
                pass  # It had its time.
        container.kill()
        return await container.wait()

    async def wait(self, container_id: str) -> Exit:
        return await self._find(container_id).wait()

    def status(self, container_id: str) -> ContainerStatus:
        container = self._find(container_id)
        return ContainerStatus(container_id, container.started_at, container.exit)

    def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[bytes]:
        return self._find(container_id).log.read(options)

    async def run_in(
        self,
        container_id: str,
        argv: tuple[str, ...],
        *,
        timeout: float,  # noqa: ASYNC109 - the port's
    ) -> ExecResult:
        container = self._find(container_id)
        if container.exit is not None:
            raise ContainerStartError("RunContainerError", "the container has ended")
        payload = self._payload(container.spec, None) | {"argv": list(argv)}
        return await execute(container, payload, timeout)

    async def remove_container(self, container_id: str) -> None:
        container = self._find(container_id)
        container.kill()
        await container.wait()
        self._discard(container)

    def _find(self, container_id: str) -> Container:
        try:
            return self._containers[container_id]
        except KeyError:
            raise UnknownContainer(f"no container {container_id}") from None

    def _discard(self, container: Container) -> None:
        self._containers.pop(container.id, None)
        container.log.delete()
        (self._home.runtime("messages") / container.id).unlink(missing_ok=True)

    def _payload(self, spec: ContainerSpec, message_file: Path | None) -> dict[str, Any]:
        mounts = [
            {
                "source": str(mount.source),
                "target": mount.target,
                "read_only": mount.read_only,
                "sub_path": mount.sub_path,
            }
            for mount in spec.mounts
        ]
        if message_file is not None and spec.termination_message_path:
            mounts.append(
                {
                    "source": str(message_file),
                    "target": spec.termination_message_path,
                    "read_only": False,
                    "sub_path": "",
                }
            )
        hostname = spec.hostname or spec.pod
        return {
            "parent": os.getpid(),
            "base": str(self._home.runtime("rootfs")),
            "home": str(self._home.path.resolve()),
            "hidden": self._hidden,
            "rootless": self._home.rootless,
            "mounts": mounts,
            "hostname": hostname,
            "argv": list(spec.argv),
            "env": {"PATH": _PATH, "HOSTNAME": hostname, **spec.env},
            "cwd": spec.cwd or "/",
            "user": spec.user or 0,
            "group": spec.group or 0,
            "groups": list(spec.groups),
            "read_only_root": spec.read_only_root,
            "no_new_privileges": spec.no_new_privileges,
            "privileged": spec.privileged,
            "add_capabilities": list(spec.add_capabilities),
            "drop_capabilities": list(spec.drop_capabilities),
        }
