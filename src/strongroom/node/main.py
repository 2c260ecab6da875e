"""The entry of the node agent: options, private mounts, then the agent until a signal ends it.

Order matters: the process leaves the host's mount namespace before anything starts a thread, so
the heavy imports (event loop, HTTP) come after that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from strongroom.node.options import NodeOptions, parse_options
from strongroom.node.runtimes.home import VolumeHome, enter_private_mounts
from strongroom.node.runtimes.port import RuntimeUnavailable

if TYPE_CHECKING:
    from strongroom.client.config import ClientConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Run the agent; the exit code. Prints one line beginning ``ready`` once pods can run."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["join"]:
        from strongroom.node.join import main as join

        return join(argv[1:])
    options = parse_options(argv)
    # A stricter one, inherited from a supervisor, would make volumes unreadable to their pods.
    os.umask(0o022)
    try:
        home = enter_private_mounts(options.root_dir, size=options.volumes_size)
    except (RuntimeUnavailable, OSError) as error:
        sys.stderr.write(f"strongroom node: {error}\n")
        return 1
    return _run(options, home)


def _run(options: NodeOptions, home: VolumeHome) -> int:
    import asyncio

    from strongroom.client.config import load_config
    from strongroom.client.errors import InvalidConfig
    from strongroom.process import forbid_dumps, small_tls_buffers
    from strongroom.telemetry import setup_logging

    # After the private mounts: a new user namespace is told its users through /proc/self.
    forbid_dumps()
    small_tls_buffers()
    setup_logging("json" if options.log_format == "json" else "text", options.log_level)
    try:
        config = load_config(options.kubeconfig)
        asyncio.run(_serve(options, config, home))
    except (InvalidConfig, RuntimeUnavailable, OSError) as error:
        sys.stderr.write(f"strongroom node: {error}\n")
        return 1
    return 0


async def _serve(options: NodeOptions, config: ClientConfig, home: VolumeHome) -> None:
    """Run the agent until SIGTERM or SIGINT."""
    import asyncio
    import signal

    from strongroom.node.agent import Agent
    from strongroom.node.runtimes.process import ProcessRuntime
    from strongroom.process import collect_from_now_on

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    agent = Agent(options, config, home, ProcessRuntime(home, hidden_paths=options.hidden_paths))
    starting = asyncio.create_task(agent.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        waiting: set[asyncio.Task[Any]] = {starting, stopping}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            collect_from_now_on()
            sys.stdout.write(f"ready node {options.name}\n")
            sys.stdout.flush()
            await stopping
    finally:
        for task in (starting, stopping):
            task.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await agent.close()
