"""The rules of security settings of pods and containers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    duplicate,
    in_range,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from strongroom.resources.path_rules import descending_path
from strongroom.resources.pod_security import (
    AppArmorProfile,
    PodSecurityContext,
    SeccompProfile,
    SecurityContext,
    Sysctl,
)

_MAX_ID = 2**31 - 1
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"({_SEGMENT}[\./])*{_SEGMENT}"
_sysctl = re.compile(_SYSCTL)
_MAX_PROFILE = 4095
_POLICIES = {
    "fsGroupChangePolicy": ("Always", "OnRootMismatch"),
    "supplementalGroupsPolicy": ("Merge", "Strict"),
    "seLinuxChangePolicy": ("MountOption", "Recursive"),
}


def pod_security_errors(context: PodSecurityContext, path: Path) -> list[FieldError]:
    """All findings on the settings of a pod."""
    errors: list[FieldError] = []
    for name in ("fsGroup", "runAsUser", "runAsGroup"):
        errors += _id_errors(getattr(context, name), path / name)
    for i, group in enumerate(context.supplementalGroups):
        errors += _id_errors(group, (path / "supplementalGroups").index(i))
    errors += _sysctl_errors(context.sysctls, path / "sysctls")
    for name, policies in _POLICIES.items():
        policy = getattr(context, name)
        if policy is not None and policy not in policies:
            errors.append(not_supported(path / name, policy, policies))
    errors += _seccomp_errors(context.seccompProfile, path / "seccompProfile")
    return errors + _apparmor_errors(context.appArmorProfile, path / "appArmorProfile")


def container_security_errors(
    context: SecurityContext, path: Path, *, host_users: bool
) -> list[FieldError]:
    """All findings on the settings of a container."""
    errors = _id_errors(context.runAsUser, path / "runAsUser")
    errors += _id_errors(context.runAsGroup, path / "runAsGroup")
    errors += _seccomp_errors(context.seccompProfile, path / "seccompProfile")
    mount = context.procMount
    if mount is not None and mount not in ("Default", "Unmasked"):
        errors.append(not_supported(path / "procMount", mount, ("Default", "Unmasked")))
    if mount == "Unmasked" and host_users:
        detail = "`hostUsers` must be false to use `Unmasked`"
        errors.append(invalid_value(path / "procMount", mount, detail))
    if context.allowPrivilegeEscalation is False:
        errors += _escalation_errors(context, path)
    return errors + _apparmor_errors(context.appArmorProfile, path / "appArmorProfile")


def _escalation_errors(context: SecurityContext, path: Path) -> list[FieldError]:
    errors = []
    refused = "cannot set `allowPrivilegeEscalation` to false and "
    if context.privileged:
        errors.append(invalid_value(path, context, refused + "`privileged` to true"))
    if context.capabilities and "CAP_SYS_ADMIN" in context.capabilities.add:
        errors.append(invalid_value(path, context, refused + "`capabilities.Add` CAP_SYS_ADMIN"))
    return errors


def _id_errors(number: int | None, path: Path) -> list[FieldError]:
    if number is None:
        return []
    return [invalid_value(path, number, message) for message in in_range(number, 0, _MAX_ID)]


def _sysctl_errors(sysctls: Sequence[Sysctl], path: Path) -> list[FieldError]:
    errors = []
    seen: set[str] = set()
    for i, sysctl in enumerate(sysctls):
        at, name = path.index(i) / "name", sysctl.name
        if not name:
            errors.append(required(at))
        elif len(name) > 253 or not _sysctl.fullmatch(name):
            detail = f"must have at most 253 characters and match regex ^{_SYSCTL}$"
            errors.append(invalid_value(at, name, detail))
        elif name in seen:
            errors.append(duplicate(at, name))
        seen.add(name)
    return errors


def _seccomp_errors(profile: SeccompProfile | None, path: Path) -> list[FieldError]:
    if profile is None:
        return []
    errors = []
    if not profile.type:
        errors.append(required(path / "type", "type is required when seccompProfile is set"))
    elif profile.type not in _PROFILES:
        errors.append(not_supported(path / "type", profile.type, _PROFILES))
    at = path / "localhostProfile"
    if profile.type == "Localhost":
        if profile.localhostProfile is None:
            errors.append(required(at, "must be set when seccomp type is Localhost"))
        else:
            errors += descending_path(profile.localhostProfile, at)
    elif profile.localhostProfile is not None:
        errors.append(invalid_value(at, profile, "can only be set when seccomp type is Localhost"))
    return errors


def _apparmor_errors(profile: AppArmorProfile | None, path: Path) -> list[FieldError]:
    if profile is None:
        return []
    at, name = path / "localhostProfile", profile.localhostProfile
    if profile.type == "Localhost":
        if name is None or not name:
            return [required(at, "must be set when AppArmor type is Localhost")]
        errors = []
        if name != name.strip():
            errors.append(invalid_value(at, name, "must not be padded with whitespace"))
        if len(name.encode()) > _MAX_PROFILE:
            errors.append(too_long(at, _MAX_PROFILE))
        return errors
    if profile.type in _PROFILES:
        detail = "can only be set when AppArmor type is Localhost"
        return [] if name is None else [invalid_value(at, name, detail)]
    if not profile.type:
        return [required(path / "type", "type is required when appArmorProfile is set")]
    return [not_supported(path / "type", profile.type, _PROFILES)]
