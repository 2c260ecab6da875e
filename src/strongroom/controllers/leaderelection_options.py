"""The options of ``strongroom controllers`` that say how one of several processes is elected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from strongroom.controllers.certificates.options import Duration
from strongroom.controllers.leaderelection import JITTER, Terms

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = ("elect", "lease_duration", "renew_deadline", "retry_period")


def leading_options(command: F) -> F:
    """Add kube-controller-manager's options; the command is handed :class:`Terms` as ``terms``."""

    def collected(*args: Any, **options: Any) -> Any:
        elect = options.pop("leader_elect")
        spans = {name: options.pop(f"leader_elect_{name}") for name in _OPTIONS[1:]}
        seconds = {name: span.total_seconds() for name, span in spans.items()}
        terms = Terms(elect, **seconds)
        if not terms.lease_duration > terms.renew_deadline > terms.retry_period * JITTER:
            raise click.UsageError(
                "--leader-elect-lease-duration must be greater than --leader-elect-renew-deadline,"
                f" and that greater than {JITTER} times --leader-elect-retry-period"
            )
        return command(*args, terms=terms, **options)

    collected.__doc__, collected.__name__ = command.__doc__, command.__name__
    added = collected
    for name, default, told in (
        ("retry-period", "2s", "Pause between two tries to take or renew the lease."),
        ("renew-deadline", "10s", "How long the holder tries to renew it before it stops."),
        ("lease-duration", "15s", "How long the others wait after it was renewed last."),
    ):
        added = click.option(
            f"--leader-elect-{name}",
            metavar="DURATION",
            type=Duration(),
            default=default,
            show_default=True,
            help=told,
        )(added)
    added = click.option(
        "--leader-elect",
        type=bool,
        is_flag=False,
        flag_value=True,
        default=True,
        show_default=True,
        metavar="BOOL",
        help="Work only while holding a lease in the API, as several do of which one works.",
    )(added)
    # click's decorators keep parameters of the command that are declared outside of this one.
    inner = getattr(command, "__click_params__", [])
    added.__click_params__ = [*inner, *added.__click_params__]  # type: ignore[attr-defined]  # click's own attribute
    return added  # type: ignore[return-value]  # the same command with more options
