"""`strongroom keys`: under which keys everything is stored, and exchanging them."""

from __future__ import annotations

import click

from strongroom.cli.lazy import LazyGroup

COMMANDS = {
    "status": ("strongroom.cli.keys.status", "Which keys there are, and what is under each."),
    "rotate": ("strongroom.cli.keys.rotate", "Make a new key, and store everything anew under it."),
    "rewrap": ("strongroom.cli.keys.rewrap", "Store everything anew under the present key."),
    "prune": ("strongroom.cli.keys.prune", "Forget keys that nothing is stored under."),
    "passphrase": ("strongroom.cli.keys.passphrase", "Seal a key file under a new passphrase."),
    "reseal": ("strongroom.cli.keys.reseal", "Put a key file under another seal."),
}


@click.group(
    "keys",
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check found something.",
)
def command() -> None:
    """The keys that encrypt what a strongroom server stores.

    The server serves all the while. A key is told by its id, never itself.

    \b
    Examples:
      strongroom keys status
      strongroom keys rotate --rate 100
      strongroom keys prune
      strongroom keys passphrase kms.key --new-passphrase-file NEW
    """
