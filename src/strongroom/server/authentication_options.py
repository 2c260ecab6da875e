"""The settings of authentication; names and meanings are kube-apiserver's."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from typing import Any

from strongroom.server.argument_types import truth


@dataclass(frozen=True, slots=True)
class AuthenticationOptions:
    """Who is believed to be who they say.

    ``anonymous_auth`` None lets who shows nothing ask for health and the other public paths alone.
    """

    anonymous_auth: bool | None


def add_authentication_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("who is believed").add_argument
    add(
        "--anonymous-auth",
        type=truth,
        nargs="?",
        const=True,
        metavar="BOOL",
        help="let requests without credentials in as system:anonymous, or not at all (default: "
        "on health and the other public paths)",
    )


def authentication_options(values: dict[str, Any]) -> AuthenticationOptions:
    """Take the settings out of what was parsed. Raises ValueError for what does not go together."""
    own = {field.name: values.pop(field.name) for field in fields(AuthenticationOptions)}
    return AuthenticationOptions(**own)
