"""The rules of probes and lifecycle hooks."""

from __future__ import annotations

import re

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    forbidden_field,
    invalid_value,
    non_negative,
    not_supported,
    port_name,
    port_number,
    required,
)
from strongroom.resources.pod_container import Container
from strongroom.resources.pod_probe import (
    SIGNALS,
    HTTPGetAction,
    Lifecycle,
    LifecycleHandler,
    Probe,
    SleepAction,
)

_HEADER = "[-A-Za-z0-9]+"
_header = re.compile(_HEADER)
_HEADER_TEXT = (
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
    f"regex used for validation is '{_HEADER}')"
)
_ACTIONS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_COUNTS = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)


def probe_errors(container: Container, grace: int | None, path: Path) -> list[FieldError]:
    """All findings on a container's three probes and its hooks."""
    errors: list[FieldError] = []
    if container.lifecycle:
        errors += _lifecycle_errors(container.lifecycle, grace, path / "lifecycle")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = getattr(container, name)
        if probe is None:
            continue
        errors += _one_probe_errors(probe, grace, path / name)
        if name != "readinessProbe" and probe.successThreshold != 1:
            at = path / name / "successThreshold"
            errors.append(invalid_value(at, probe.successThreshold, "must be 1"))
        if name == "readinessProbe" and probe.terminationGracePeriodSeconds is not None:
            at, seconds = path / name, probe.terminationGracePeriodSeconds
            detail = "must not be set for readinessProbes"
            errors.append(invalid_value(at / "terminationGracePeriodSeconds", seconds, detail))
    return errors


def _one_probe_errors(probe: Probe, grace: int | None, path: Path) -> list[FieldError]:
    errors = _action_errors(probe, grace, path)
    for name in _COUNTS:
        errors += non_negative(getattr(probe, name), path / name)
    seconds = probe.terminationGracePeriodSeconds
    if seconds is not None and seconds <= 0:
        at = path / "terminationGracePeriodSeconds"
        errors.append(invalid_value(at, seconds, "must be greater than 0"))
    return errors


def _lifecycle_errors(lifecycle: Lifecycle, grace: int | None, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    if lifecycle.postStart:
        errors += _action_errors(lifecycle.postStart, grace, path / "postStart")
    if lifecycle.preStop:
        errors += _action_errors(lifecycle.preStop, grace, path / "preStop")
    if lifecycle.stopSignal is not None and lifecycle.stopSignal not in SIGNALS:
        errors.append(not_supported(path / "stopSignal", lifecycle.stopSignal, SIGNALS))
    return errors


def _action_errors(
    handler: Probe | LifecycleHandler, grace: int | None, path: Path
) -> list[FieldError]:
    errors: list[FieldError] = []
    names = [name for name in _ACTIONS if getattr(handler, name, None) is not None]
    if not names:
        return [required(path, "must specify a handler type")]
    errors += _single_action_errors(handler, names[0], grace, path / names[0])
    detail = "may not specify more than 1 handler type"
    return errors + [forbidden_field(path / name, detail) for name in names[1:]]


def _single_action_errors(
    handler: Probe | LifecycleHandler, name: str, grace: int | None, path: Path
) -> list[FieldError]:
    if handler.exec:
        return [] if handler.exec.command else [required(path / "command")]
    if name == "httpGet" and handler.httpGet:
        return _http_errors(handler.httpGet, path)
    if name == "tcpSocket" and handler.tcpSocket:
        return _port_errors(handler.tcpSocket.port, path / "port")
    if isinstance(handler, Probe):
        return _port_errors(handler.grpc.port, path / "port") if handler.grpc else []
    return _sleep_errors(handler.sleep, grace, path) if handler.sleep else []


def _http_errors(action: HTTPGetAction, path: Path) -> list[FieldError]:
    errors = [] if action.path else [required(path / "path")]
    errors += _port_errors(action.port, path / "port")
    if action.scheme not in ("HTTP", "HTTPS"):
        errors.append(not_supported(path / "scheme", action.scheme, ("HTTP", "HTTPS")))
    for header in action.httpHeaders:
        if not _header.fullmatch(header.name):
            errors.append(invalid_value(path / "httpHeaders", header.name, _HEADER_TEXT))
    return errors


def _port_errors(port: int | str, path: Path) -> list[FieldError]:
    messages = port_number(port) if isinstance(port, int) else port_name(port)
    return [invalid_value(path, port, message) for message in messages]


def _sleep_errors(sleep: SleepAction, grace: int | None, path: Path) -> list[FieldError]:
    if grace is None or 0 <= sleep.seconds <= grace:
        return []
    detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
    return [invalid_value(path, sleep.seconds, detail)]
