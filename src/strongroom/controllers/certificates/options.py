"""The options of kube-controller-manager that name the authority which signs requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from strongroom.api.durations import parse_duration

F = TypeVar("F", bound=Callable[..., Any])

YEAR = timedelta(hours=8760)


class Duration(click.ParamType[timedelta]):
    """A length of time above zero in Go's form, such as ``8760h`` or ``1h30m``."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            duration = parse_duration(str(value))
        except ValueError:
            duration = timedelta()
        if duration <= timedelta():
            self.fail("expected a duration such as 24h or 1h30m", param, ctx)
        return duration


@dataclass(frozen=True, slots=True)
class Signing:
    """Where the cluster's authority is, and how long what it signs lasts at most.

    Without the files no request for a signer of Kubernetes' own is signed.
    """

    cert_file: Path | None = None
    key_file: Path | None = None
    duration: timedelta = YEAR


def signing_options(command: F) -> F:
    """Add the options; the command is handed one :class:`Signing` as ``signing``."""
    file = click.Path(path_type=Path)

    def collected(*args: Any, **options: Any) -> Any:
        names = ("cert_file", "key_file", "duration")
        given = {name: options.pop(f"cluster_signing_{name}") for name in names}
        signing = Signing(**given)
        if (signing.cert_file is None) != (signing.key_file is None):
            one, other = "--cluster-signing-cert-file", "--cluster-signing-key-file"
            raise click.UsageError(f"{one} and {other} belong together")
        return command(*args, signing=signing, **options)

    collected.__doc__, collected.__name__ = command.__doc__, command.__name__
    for option in (
        click.option(
            "--cluster-signing-duration",
            metavar="DURATION",
            type=Duration(),
            default="8760h",
            show_default=True,
            help="Longest life of what it signs.",
        ),
        click.option(
            "--cluster-signing-key-file", metavar="FILE", type=file, help="The key of that one."
        ),
        click.option(
            "--cluster-signing-cert-file",
            metavar="FILE",
            type=file,
            help="Authority that signs certificates that are asked for.",
        ),
    ):
        collected = option(collected)
    # click's decorators keep parameters of the command that are declared outside of this one.
    inner = getattr(command, "__click_params__", [])
    collected.__click_params__ = [*inner, *collected.__click_params__]  # type: ignore[attr-defined]  # click's own attribute
    return collected  # type: ignore[return-value]  # the same command with more options
