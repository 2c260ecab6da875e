"""`strongroom secret`: what people do with Secrets, on any cluster, without leaving values about.

No command here takes a value from its arguments unless it is forced to, nor prints one unless it
is asked for that key; what stands for values is of :mod:`strongroom.cli.secret.fingerprint`.
"""

from __future__ import annotations

import click

from strongroom.cli.lazy import LazyGroup

COMMANDS = {
    "list": ("strongroom.cli.secret.list", "Names, types, numbers of keys and ages."),
    "show": ("strongroom.cli.secret.show", "What one is; the value of a key only if asked for."),
    "set": ("strongroom.cli.secret.set", "Make one, or change keys of it."),
    "edit": ("strongroom.cli.secret.edit", "Change one in an editor, in memory only."),
    "copy": ("strongroom.cli.secret.copy", "Copy one to another namespace or cluster."),
    "delete": ("strongroom.cli.secret.delete", "Delete some, in use or not."),
    "scrub": ("strongroom.cli.secret.scrub", "Take values out of annotations."),
    "users": ("strongroom.cli.secret.users", "What uses one, and who read it last."),
    "unused": ("strongroom.cli.secret.unused", "Those that nothing names."),
    "share": ("strongroom.cli.secret.share", "Let another namespace's pods use one."),
    "unshare": ("strongroom.cli.secret.unshare", "Take one back from other namespaces."),
    "shares": ("strongroom.cli.secret.shares", "What is shared with whom, and used of others."),
    "refer": ("strongroom.cli.secret.refer", "Make a reference to one that is shared."),
    "history": ("strongroom.cli.secret.history", "What one held before; what was deleted."),
    "diff": ("strongroom.cli.secret.diff", "What changed from one revision to another."),
    "rollback": ("strongroom.cli.secret.rollback", "Give one the values back that it had."),
    "undelete": ("strongroom.cli.secret.undelete", "Make one again that was deleted."),
}


@click.group(
    "secret",
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check found something.",
)
def command() -> None:
    """Work with Secrets, of any cluster, without showing them.

    Every command takes kubectl's --kubeconfig, --context, --namespace, --as and --as-group.

    \b
    Examples:
      strongroom secret list -A                                what there is
      strongroom secret set db --generate password=password    make one, or change a key of it
      strongroom secret edit db                                all of it, in an editor
      strongroom secret show db --reveal password | wl-copy    a value, to where you say
    """
