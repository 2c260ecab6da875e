"""Who a container's command is: capabilities, user, groups, no_new_privs.

Runs in the launcher just before exec. The default capabilities are the set that container
engines give; without CAP_SYS_ADMIN a container can't lift the mounts that hide the node's files.
"""

from __future__ import annotations

import os
import resource

from strongroom.node.runtimes import linux

# Not from typing, whose import alone takes a fifth of a container's start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# By number, as in <linux/capability.h>.
_NAMES = (  # noqa: SIM905 - a table of 41 names reads better so
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO "
    "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME "
    "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG "
    "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()
# Engines also give MKNOD; they can, because a device cgroup stands behind it. Here none does.
_DEFAULT = frozenset(_NAMES[:8]) - {"DAC_READ_SEARCH"}
_DEFAULT |= {"SETPCAP", "NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "AUDIT_WRITE", "SETFCAP"}


def capabilities(*, add: list[str], drop: list[str], privileged: bool) -> frozenset[str]:
    """The capabilities of a container, from its securityContext; ALL is understood in both."""
    if privileged:
        return frozenset(_NAMES)
    dropped = frozenset(_NAMES if "ALL" in drop else drop)
    added = frozenset(_NAMES if "ALL" in add else add)
    return (_DEFAULT - dropped) | (added & frozenset(_NAMES))


def apply(spec: dict[str, Any]) -> None:
    """Become the container's user for good. Raises OSError where the kernel refuses an id."""
    keep = capabilities(
        add=spec["add_capabilities"],
        drop=spec["drop_capabilities"],
        privileged=spec["privileged"],
    )
    # No memory image of a process that was given Secrets is ever written to a disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    linux.clear_ambient_capabilities()
    for number, name in enumerate(_NAMES):
        if name not in keep:
            linux.drop_bounding_capability(number)
    uid, gid, groups = spec["user"], spec["group"], spec["groups"]
    if groups or not spec["rootless"]:
        # Rootless, setgroups is forbidden; with none asked for, nothing is lost.
        os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if uid == 0:
        mask = sum(1 << number for number, name in enumerate(_NAMES) if name in keep)
        linux.set_capabilities(effective=mask, permitted=mask, inheritable=0)
    if spec["no_new_privileges"]:
        linux.no_new_privileges()
