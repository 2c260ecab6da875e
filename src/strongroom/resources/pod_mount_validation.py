"""The rules of where containers see volumes and devices."""

from __future__ import annotations

from collections.abc import Mapping

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    forbidden_field,
    invalid_value,
    not_found_value,
    not_supported,
    required,
)
from strongroom.resources.path_rules import descending_path, no_backsteps
from strongroom.resources.pod_container import Container, EphemeralContainer, VolumeMount
from strongroom.resources.pod_volume import Volume

_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def mount_errors(
    container: Container | EphemeralContainer, volumes: Mapping[str, Volume], path: Path
) -> list[FieldError]:
    """All findings on ``volumeMounts``; ``volumes`` are the pod's valid ones."""
    errors: list[FieldError] = []
    device_names = {device.name for device in container.volumeDevices}
    device_paths = {device.devicePath for device in container.volumeDevices}
    seen: set[str] = set()
    for i, mount in enumerate(container.volumeMounts):
        at = path.index(i)
        if not mount.name:
            errors.append(required(at / "name"))
        if mount.name not in volumes:
            errors.append(not_found_value(at / "name", mount.name))
        if not mount.mountPath:
            errors.append(required(at / "mountPath"))
        if mount.mountPath in seen:
            errors.append(invalid_value(at / "mountPath", mount.mountPath, "must be unique"))
        seen.add(mount.mountPath)
        if mount.name in device_names:
            detail = "must not already exist in volumeDevices"
            errors.append(invalid_value(at / "name", mount.name, detail))
        if mount.mountPath in device_paths:
            detail = "must not already exist as a path in volumeDevices"
            errors.append(invalid_value(at / "mountPath", mount.mountPath, detail))
        errors += _sub_path_errors(mount, volumes.get(mount.name), at, path)
        errors += _mode_errors(mount, container, path)
    return errors


def _sub_path_errors(
    mount: VolumeMount, volume: Volume | None, at: Path, mounts: Path
) -> list[FieldError]:
    errors: list[FieldError] = []
    for name, text in (("subPath", mount.subPath), ("subPathExpr", mount.subPathExpr)):
        if text and volume and volume.image:
            errors.append(invalid_value(at / name, text, "not allowed in image volume sources"))
        if text and name == "subPathExpr" and mount.subPath:
            detail = "subPathExpr and subPath are mutually exclusive"
            errors.append(invalid_value(at / name, text, detail))
        # Here and below, upstream does not tell which mount it is.
        errors += descending_path(text, mounts / name)
    return errors


def _mode_errors(
    mount: VolumeMount, container: Container | EphemeralContainer, path: Path
) -> list[FieldError]:
    errors = []
    propagation, recursive = mount.mountPropagation, mount.recursiveReadOnly
    security = container.securityContext
    at = path / "mountPropagation"
    if propagation is not None and propagation not in _PROPAGATIONS:
        errors.append(not_supported(at, propagation, _PROPAGATIONS))
    if propagation == "Bidirectional" and not (security and security.privileged):
        detail = "Bidirectional mount propagation is available only to privileged containers"
        errors.append(forbidden_field(at, detail))
    at = path / "recursiveReadOnly"
    if recursive is not None and recursive not in _RECURSIVE:
        errors.append(not_supported(at, recursive, _RECURSIVE))
    if recursive in ("Enabled", "IfPossible"):
        if not mount.readOnly:
            errors.append(forbidden_field(at, "may only be specified when readOnly is true"))
        if propagation not in (None, "None"):
            detail = "may only be specified when mountPropagation is None or not specified"
            errors.append(forbidden_field(at, detail))
    return errors


def device_errors(
    container: Container | EphemeralContainer, volumes: Mapping[str, Volume], path: Path
) -> list[FieldError]:
    """All findings on ``volumeDevices``, which need claimed volumes."""
    errors: list[FieldError] = []
    mount_names = {mount.name for mount in container.volumeMounts}
    mount_paths = {mount.mountPath for mount in container.volumeMounts}
    names: set[str] = set()
    paths: set[str] = set()
    for i, device in enumerate(container.volumeDevices):
        at, volume = path.index(i), volumes.get(device.name)
        if not device.name:
            errors.append(required(at / "name"))
        elif device.name in names:
            errors.append(invalid_value(at / "name", device.name, "must be unique"))
        if volume is None:
            errors.append(not_found_value(at / "name", device.name))
        elif not (volume.persistentVolumeClaim or volume.ephemeral):
            detail = (
                "can only use volume source type of PersistentVolumeClaim or Ephemeral "
                "for block mode"
            )
            errors.append(invalid_value(at / "name", device.name, detail))
        errors += _device_path_errors(device.devicePath, paths, at / "devicePath")
        if device.name in mount_names:
            detail = "must not already exist in volumeMounts"
            errors.append(invalid_value(at / "name", device.name, detail))
        if device.devicePath in mount_paths:
            detail = "must not already exist as a path in volumeMounts"
            errors.append(invalid_value(at / "devicePath", device.devicePath, detail))
        names.add(device.name)
        paths.add(device.devicePath)
    return errors


def _device_path_errors(text: str, taken: set[str], path: Path) -> list[FieldError]:
    if not text:
        return [required(path)]
    errors = [invalid_value(path, text, "must be unique")] if text in taken else []
    if no_backsteps(text, path):
        errors.append(invalid_value(path, text, "can not contain backsteps ('..')"))
    return errors
