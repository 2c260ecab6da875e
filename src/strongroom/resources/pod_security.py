"""Security settings of pods and containers."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.schema import F, Struct, always


class SELinuxOptions(Struct):
    """An SELinux label."""

    user: Annotated[str, F(1, "User of the label.")] = ""
    role: Annotated[str, F(2, "Role of the label.")] = ""
    type: Annotated[str, F(3, "Type of the label.")] = ""
    level: Annotated[str, F(4, "Level of the label.")] = ""


class WindowsSecurityContextOptions(Struct):
    """Security settings that only Windows knows."""

    gmsaCredentialSpecName: Annotated[str | None, F(1, "Name of the GMSA credential spec.")] = None
    gmsaCredentialSpec: Annotated[
        str | None, F(2, "The GMSA credential spec itself; filled in by a webhook.")
    ] = None
    runAsUserName: Annotated[str | None, F(3, "Windows user that runs the processes.")] = None
    hostProcess: Annotated[bool | None, F(4, "Whether the container runs on the host itself.")] = (
        None
    )


class SeccompProfile(Struct):
    """The system calls that a container may make."""

    type: Annotated[
        str,
        F(
            1,
            "Where the profile comes from.",
            enum=("Localhost", "RuntimeDefault", "Unconfined"),
            required=True,
        ),
    ] = always(str)
    localhostProfile: Annotated[
        str | None, F(2, "Path of a profile on the node; for type Localhost only.")
    ] = None


class AppArmorProfile(Struct):
    """The AppArmor profile that confines a container."""

    type: Annotated[
        str,
        F(
            1,
            "Where the profile comes from.",
            enum=("Localhost", "RuntimeDefault", "Unconfined"),
            required=True,
        ),
    ] = always(str)
    localhostProfile: Annotated[
        str | None, F(2, "Name of a profile that is loaded on the node; for type Localhost only.")
    ] = None


class Capabilities(Struct):
    """Linux capabilities beyond or below the runtime's default."""

    add: Annotated[list[str], F(1, "Capabilities to add.", list_type="atomic")] = []
    drop: Annotated[list[str], F(2, "Capabilities to take away.", list_type="atomic")] = []


class SecurityContext(Struct):
    """Security settings of one container; they win over the pod's."""

    capabilities: Annotated[Capabilities | None, F(1, "Linux capabilities to add and drop.")] = None
    privileged: Annotated[
        bool | None, F(2, "Whether the container may do what root may do on the host.")
    ] = None
    seLinuxOptions: Annotated[SELinuxOptions | None, F(3, "SELinux label of the container.")] = None
    windowsOptions: Annotated[
        WindowsSecurityContextOptions | None, F(10, "Settings for Windows.")
    ] = None
    runAsUser: Annotated[int | None, F(4, "User ID of the first process.", format="int64")] = None
    runAsGroup: Annotated[int | None, F(8, "Group ID of the first process.", format="int64")] = None
    runAsNonRoot: Annotated[
        bool | None, F(5, "Whether the container must not run as root; checked at start.")
    ] = None
    readOnlyRootFilesystem: Annotated[
        bool | None, F(6, "Whether the container's root file system cannot be written.")
    ] = None
    allowPrivilegeEscalation: Annotated[
        bool | None, F(7, "Whether a process may gain more privileges than its parent.")
    ] = None
    procMount: Annotated[
        str | None, F(9, "How /proc is mounted.", enum=("Default", "Unmasked"))
    ] = None
    seccompProfile: Annotated[SeccompProfile | None, F(11, "System calls that are allowed.")] = None
    appArmorProfile: Annotated[
        AppArmorProfile | None, F(12, "AppArmor profile that confines the container.")
    ] = None


class Sysctl(Struct):
    """A kernel parameter to set."""

    name: Annotated[str, F(1, "Name of the parameter.", required=True)] = always(str)
    value: Annotated[str, F(2, "Value to set.", required=True)] = always(str)


class PodSecurityContext(Struct):
    """Security settings of all containers of a pod."""

    seLinuxOptions: Annotated[SELinuxOptions | None, F(1, "SELinux label of the containers.")] = (
        None
    )
    windowsOptions: Annotated[
        WindowsSecurityContextOptions | None, F(8, "Settings for Windows.")
    ] = None
    runAsUser: Annotated[
        int | None, F(2, "User ID of the first process of each container.", format="int64")
    ] = None
    runAsGroup: Annotated[
        int | None, F(6, "Group ID of the first process of each container.", format="int64")
    ] = None
    runAsNonRoot: Annotated[
        bool | None, F(3, "Whether the containers must not run as root; checked at start.")
    ] = None
    supplementalGroups: Annotated[
        list[int],
        F(
            4,
            "More group IDs of the first process of each container.",
            format="int64",
            list_type="atomic",
        ),
    ] = []
    supplementalGroupsPolicy: Annotated[
        str | None,
        F(12, "How the groups of the image are taken into account.", enum=("Merge", "Strict")),
    ] = None
    fsGroup: Annotated[
        int | None,
        F(5, "Group that owns the volumes' files and that processes belong to.", format="int64"),
    ] = None
    sysctls: Annotated[
        list[Sysctl], F(7, "Kernel parameters of the pod's namespaces.", list_type="atomic")
    ] = []
    fsGroupChangePolicy: Annotated[
        str | None,
        F(9, "When the ownership of volumes is changed.", enum=("Always", "OnRootMismatch")),
    ] = None
    seccompProfile: Annotated[SeccompProfile | None, F(10, "System calls that are allowed.")] = None
    appArmorProfile: Annotated[
        AppArmorProfile | None, F(11, "AppArmor profile that confines the containers.")
    ] = None
    seLinuxChangePolicy: Annotated[
        str | None, F(13, "How the SELinux label of volumes is set.")
    ] = None
