"""The settings of audit: where events go, in batches or at once, how long, and how much of them.

Names, meanings and defaults are kube-apiserver's where it has them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from strongroom.api.durations import parse_duration
from strongroom.server.argument_types import duration, truth

Mode = Literal["batch", "blocking", "blocking-strict"]

MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How events are gathered in mode ``batch``. ``max_wait`` is in seconds."""

    buffer_size: int
    max_size: int
    max_wait: float
    throttle_enable: bool
    throttle_qps: float
    throttle_burst: int


@dataclass(frozen=True, slots=True)
class TruncateOptions:
    """From which size on, in bytes, events lose their bodies, and batches are split."""

    enabled: bool
    max_batch_size: int
    max_event_size: int


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The log. ``path`` is empty for none and ``-`` for standard output; 0 means no limit.

    ``maxsize`` is in megabytes, ``maxage`` in days. Each line is chained to the one before it by a
    key of ``chain_key_file``, or of one beside the encryption key, unless ``chain`` is off.
    """

    path: str
    maxsize: int
    maxage: int
    maxbackup: int
    compress: bool
    mode: Mode
    chain: bool
    chain_key_file: Path | None
    batch: BatchOptions
    truncate: TruncateOptions


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """Where else events are posted to, if anywhere. ``initial_backoff`` is in seconds."""

    config_file: Path | None
    mode: Mode
    initial_backoff: float
    batch: BatchOptions
    truncate: TruncateOptions


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What is done with audit events."""

    log: LogOptions
    webhook: WebhookOptions

    @property
    def settles(self) -> bool:
        """Whether answers wait until their events have arrived, or have failed to."""
        waits = self.webhook.config_file is not None and self.webhook.mode != "batch"
        return waits or self.log.mode == "blocking-strict"


def add_audit_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("where audit events go").add_argument
    add(
        "--audit-log-path",
        metavar="FILE",
        help="file that events are appended to (default: DIR/audit/audit.log); -: standard output",
    )
    _number(add, "--audit-log-maxsize", 100, "MB", "size at which it is rotated; 0: never")
    _number(add, "--audit-log-maxage", 366, "DAYS", "age at which a rotated one goes; 0: never")
    _number(add, "--audit-log-maxbackup", 100, "N", "rotated ones that are kept; 0: all")
    _truth(add, "--audit-log-compress", default=False, help_="compress rotated ones")
    add(
        "--audit-log-format",
        choices=("json",),
        default="json",
        help="form of its lines: one event each, as JSON",
    )
    _truth(
        add,
        "--audit-log-chain",
        default=True,
        help_="chain each event to the one before it, for `strongroom audit verify`",
    )
    add(
        "--audit-log-chain-key-file",
        type=Path,
        metavar="FILE",
        help="key of the chain, made if missing (default: beside the encryption key)",
    )
    _shared(add, "log", BatchOptions(10_000, 1, 0.0, False, 0.0, 0), "blocking")
    add(
        "--audit-webhook-config-file",
        type=Path,
        metavar="FILE",
        help="kubeconfig of a webhook that events are posted to as well",
    )
    add(
        "--audit-webhook-initial-backoff",
        type=duration,
        default=10.0,
        metavar="DURATION",
        help="how long after a failure it is tried again for the first time (10s)",
    )
    _shared(add, "webhook", BatchOptions(10_000, 400, 30.0, True, 10.0, 15), "batch")


def audit_options(values: dict[str, Any], data_dir: Path) -> AuditOptions:
    """Take the settings out of what was parsed. Raises ValueError, which says what is wrong."""
    own = {name: values.pop(name) for name in list(values) if name.startswith("audit_")}
    log, webhook = (_own(own, f"audit_{name}_") for name in ("log", "webhook"))
    if log["path"] is None:
        log["path"] = str(data_dir / "audit" / "audit.log")
    del log["format"], log["version"], webhook["version"]
    return AuditOptions(LogOptions(**log), WebhookOptions(**webhook))


def _own(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The settings of one place. Raises ValueError."""
    own = {name.removeprefix(prefix): values[name] for name in values if name.startswith(prefix)}
    batch = BatchOptions(**{f.name: own.pop(f"batch_{f.name}") for f in fields(BatchOptions)})
    truncate = TruncateOptions(
        **{f.name: own.pop(f"truncate_{f.name}") for f in fields(TruncateOptions)}
    )
    name = prefix.strip("_").replace("_", "-")
    if own["mode"] == "batch":
        _check_batch(name, batch)
    if truncate.max_batch_size < truncate.max_event_size:
        raise ValueError(
            f"--{name}-truncate-max-batch-size must not be less than "
            f"--{name}-truncate-max-event-size"
        )
    return own | {"batch": batch, "truncate": truncate}


def _check_batch(name: str, batch: BatchOptions) -> None:
    wanted: dict[str, float] = {"buffer-size": batch.buffer_size, "max-size": batch.max_size}
    if batch.throttle_enable:
        wanted |= {"throttle-qps": batch.throttle_qps, "throttle-burst": batch.throttle_burst}
    for option, value in wanted.items():
        if value <= 0:
            raise ValueError(f"--{name}-batch-{option} must be more than 0")


def _shared(add: Any, name: str, batch: BatchOptions, mode: Mode) -> None:
    """The options that both places have."""
    prefix = f"--audit-{name}"
    add(
        f"{prefix}-mode",
        choices=MODES,
        default=mode,
        help="gather events, write at once, or fail the requests whose event is not written "
        f"({mode})",
    )
    add(f"{prefix}-version", choices=("audit.k8s.io/v1",), default="audit.k8s.io/v1", help="form")
    gather = f"{prefix}-batch"
    _number(add, f"{gather}-buffer-size", batch.buffer_size, "N", "events that may wait")
    _number(add, f"{gather}-max-size", batch.max_size, "N", "most events of a batch")
    add(
        f"{gather}-max-wait",
        type=_wait,
        default=batch.max_wait,
        metavar="DURATION",
        help=f"how long a batch is gathered at most ({batch.max_wait:g}s)",
    )
    _truth(
        add,
        f"{gather}-throttle-enable",
        default=batch.throttle_enable,
        help_="limit batches per second",
    )
    add(
        f"{gather}-throttle-qps",
        type=_rate,
        default=batch.throttle_qps,
        metavar="N",
        help=f"batches per second, in the long run ({batch.throttle_qps:g})",
    )
    _number(add, f"{gather}-throttle-burst", batch.throttle_burst, "N", "batches at once")
    cut = f"{prefix}-truncate"
    _truth(add, f"{cut}-enabled", default=False, help_="take the bodies out of large events")
    _number(add, f"{cut}-max-batch-size", 10 * 1024 * 1024, "BYTES", "most bytes of a batch")
    _number(add, f"{cut}-max-event-size", 100 * 1024, "BYTES", "most bytes of an event", least=1)


def _truth(add: Any, name: str, *, default: bool, help_: str) -> None:
    shown = str(default).lower()
    add(
        name,
        type=truth,
        nargs="?",
        const=True,
        default=default,
        metavar="BOOL",
        help=f"{help_} ({shown})",
    )


def _number(add: Any, name: str, default: int, unit: str, help_: str, *, least: int = 0) -> None:
    def number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 12 or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a number of {least} or more")
        return int(text)

    add(name, type=number, default=default, metavar=unit, help=f"{help_} ({default})")


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < 1e9:
        raise argparse.ArgumentTypeError("expected a number of 0 or more")
    return rate


def _wait(text: str) -> float:
    if text in ("0", "0s"):
        return 0.0
    try:
        return max(0.0, parse_duration(text).total_seconds())
    except ValueError:
        raise argparse.ArgumentTypeError("expected a duration such as 30s, or 0") from None
