"""The rules of a pod's volumes and of what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.schema import Struct, schema_of
from strongroom.api.validation import (
    Path,
    dns_label,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from strongroom.resources.path_rules import descending_path, file_mode, no_backsteps
from strongroom.resources.pod_projected_validation import (
    downward_file_errors,
    item_errors,
    projected_errors,
)
from strongroom.resources.pod_projection import (
    ConfigMapVolumeSource,
    DownwardAPIVolumeSource,
    SecretVolumeSource,
)
from strongroom.resources.pod_storage import GitRepoVolumeSource, NFSVolumeSource
from strongroom.resources.pod_volume import EmptyDirVolumeSource, HostPathVolumeSource, Volume
from strongroom.resources.quantity import is_quantity, parse_quantity

_ORDER = (
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
)
"""Upstream's order of looking: of several sources, all but the first are refused."""

_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_MORE_THAN_ONE = "may not specify more than 1 volume type"


def volume_errors(
    volumes: Sequence[Volume], path: Path
) -> tuple[Mapping[str, Volume], list[FieldError]]:
    """The valid volumes by name, which mounts may use, and all findings."""
    valid: dict[str, Volume] = {}
    errors: list[FieldError] = []
    for i, volume in enumerate(volumes):
        at = path.index(i)
        found = _source_errors(volume, at)
        if not volume.name:
            found.append(required(at / "name"))
        else:
            found += [invalid_value(at / "name", volume.name, m) for m in dns_label(volume.name)]
        if volume.name in valid:
            found.append(duplicate(at / "name", volume.name))
        if not found:
            valid[volume.name] = volume
        errors += found
    return valid, errors


def _source_errors(volume: Volume, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    chosen = False
    for name in _ORDER:
        source = getattr(volume, name)
        if source is None:
            continue
        if chosen:
            errors.append(forbidden_field(path / name, _MORE_THAN_ONE))
            continue
        chosen = True
        errors += _RULES.get(name, _required_fields)(source, path / name)
    if not chosen:
        errors.append(required(path, "must specify a volume type"))
    return errors


def _required_fields(source: Struct, path: Path) -> list[FieldError]:
    """Storage systems: what their schema requires must be there; the node's driver judges more."""
    return [
        required(path / field.name)
        for field in schema_of(type(source)).fields.values()
        if field.facts.required and getattr(source, field.attribute) in ("", [], None)
    ]


def _empty_dir(source: EmptyDirVolumeSource, path: Path) -> list[FieldError]:
    limit = source.sizeLimit
    if limit is not None and (not is_quantity(limit) or parse_quantity(limit) < 0):
        detail = "SizeLimit field must be a valid resource quantity"
        return [forbidden_field(path / "sizeLimit", detail)]
    return file_mode(source.mode, path / "mode")


def _host_path(source: HostPathVolumeSource, path: Path) -> list[FieldError]:
    if not source.path:
        return [required(path / "path")]
    errors = no_backsteps(source.path, path / "path")
    if source.type is not None and source.type not in _HOST_PATH_TYPES:
        errors.append(not_supported(path / "type", source.type, _HOST_PATH_TYPES))
    return errors


def _git_repo(source: GitRepoVolumeSource, path: Path) -> list[FieldError]:
    return _required_fields(source, path) + descending_path(source.directory, path / "directory")


def _nfs(source: NFSVolumeSource, path: Path) -> list[FieldError]:
    errors = _required_fields(source, path)
    if not source.path.startswith("/"):
        errors.append(invalid_value(path / "path", source.path, "must be an absolute path"))
    return errors


def _secret(source: SecretVolumeSource, path: Path) -> list[FieldError]:
    errors = [] if source.secretName else [required(path / "secretName")]
    errors += file_mode(source.defaultMode, path / "defaultMode")
    return errors + item_errors(source.items, path / "items")


def _config_map(source: ConfigMapVolumeSource, path: Path) -> list[FieldError]:
    errors = [] if source.name else [required(path / "name")]
    errors += file_mode(source.defaultMode, path / "defaultMode")
    return errors + item_errors(source.items, path / "items")


def _downward(source: DownwardAPIVolumeSource, path: Path) -> list[FieldError]:
    errors = file_mode(source.defaultMode, path / "defaultMode")
    for file in source.items:
        # Upstream does not tell which item it is.
        errors += downward_file_errors(file, path)
    return errors


_RULES: dict[str, Callable[[Any, Path], list[FieldError]]] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "gitRepo": _git_repo,
    "nfs": _nfs,
    "secret": _secret,
    "configMap": _config_map,
    "downwardAPI": _downward,
    "projected": projected_errors,
}
