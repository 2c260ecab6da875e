"""What this machine is: its size, its system and its addresses, as a Node reports them."""

from __future__ import annotations

import ipaddress
import os
import platform
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from strongroom import __version__

PODS = 110
"""How many pods a node takes; the kubelet's default."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def architecture() -> str:
    """Go's name of this machine's architecture, as labels have it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def capacity(data_dir: Path) -> dict[str, str]:
    """What the node has, as quantities. ``data_dir`` lies on the disk that is counted."""
    disk = os.statvfs(data_dir)
    return {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{_memory_kib()}Ki",
        "ephemeral-storage": f"{disk.f_blocks * disk.f_frsize // 1024}Ki",
        "pods": str(PODS),
    }


def node_info() -> dict[str, Any]:
    """The ``nodeInfo`` of a Node's status."""
    return {
        "machineID": _first_line("/etc/machine-id"),
        "systemUUID": _first_line("/sys/class/dmi/id/product_uuid"),
        "bootID": _first_line("/proc/sys/kernel/random/boot_id"),
        "kernelVersion": platform.release(),
        "osImage": _os_name(),
        "containerRuntimeVersion": f"strongroom://{__version__}",
        "kubeletVersion": f"v1.37.0+strongroom-{__version__}",
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": architecture(),
    }


def address_towards(server: str) -> str:
    """The address by which this machine reaches ``server`` (a URL); no packet is sent."""
    url = urlsplit(server)
    host, port = url.hostname or "127.0.0.1", url.port or 443
    try:
        family, kind, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(target)
            return str(ipaddress.ip_address(probe.getsockname()[0].partition("%")[0]))
    except OSError:
        return "127.0.0.1"


def _memory_kib() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1])
    return 0


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError:
        return ""


def _os_name() -> str:
    try:
        release: Mapping[str, str] = platform.freedesktop_os_release()
    except OSError:
        return platform.system()
    return release.get("PRETTY_NAME", release.get("NAME", ""))
