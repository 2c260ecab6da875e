"""`strongroom secret set`: make or change a Secret, its values from anywhere but the arguments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, People, people_options

if TYPE_CHECKING:
    from strongroom.cli.secret.change import Wanted
    from strongroom.resources.secret import Secret


@click.command("set")
@click.argument("name")
@click.argument("settings", nargs=-1, metavar="[KEY=-|KEY=@FILE|KEY=?]...")
@people_options
@click.option(
    "--generate",
    "generators",
    multiple=True,
    metavar="KEY=KIND",
    help="Make a new value: password[:N], hex[:N], base64[:N], bytes[:N], uuid.",
)
@click.option(
    "--from-env-file",
    "env_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take the KEY=VALUE lines of a file.",
)
@click.option("--remove", "removed", multiple=True, metavar="KEY", help="Remove a key.")
@click.option("--raw", is_flag=True, help="Keep the end of a single line from standard input.")
@click.option(
    "--allow-argv", is_flag=True, help="Take KEY=VALUE from the arguments, for all to see."
)
@click.option(
    "--type", "kind", default="", metavar="TYPE", help="Type of the Secret. [default: Opaque]"
)
@click.option(
    "--label", "labels", multiple=True, metavar="KEY=VALUE|KEY-", help="Set or remove a label."
)
@click.option(
    "--annotation",
    "annotations",
    multiple=True,
    metavar="KEY=VALUE|KEY-",
    help="Set or remove an annotation.",
)
@click.option("--immutable", is_flag=True, help="Let nobody change its data from now on.")
@click.option("--registry", metavar="HOST", help="Add credentials for this container registry.")
@click.option("--username", metavar="USER", help="User of the registry.")
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Password of the registry from standard input; asked for without.",
)
@click.option(
    "--email", metavar="ADDRESS", help="Address that goes with the user, if one is needed."
)
@click.option("--remove-registry", metavar="HOST", help="Remove the credentials for this registry.")
@click.option("--dry-run", is_flag=True, help="Let the server check it all, and store nothing.")
@output_option
def command(
    people: People,
    name: str,
    dry_run: bool,
    output: str,
    **options: Any,
) -> None:
    """Make Secret NAME, or change the keys that are named; other keys stay as they are.

    KEY=- reads standard input, or asks if that is a terminal, without showing what is typed; KEY=?
    always asks. KEY=@FILE reads a file as it is. No value is printed: fingerprints tell equal ones
    from different ones, within one output.

    \b
    Examples:
      printf %s "$PASSWORD" | strongroom secret set db user=@user.txt password=-
      strongroom secret set db --generate password=password:32
      strongroom secret set web --type kubernetes.io/tls tls.crt=@web.crt tls.key=@web.key
      strongroom secret set pull --registry ghcr.io --username me --password-stdin < token
      strongroom secret set db --remove old --label app=shop --dry-run
    """
    from strongroom.cli.secret.change import store, tell
    from strongroom.cli.secret.fingerprint import Fingerprints

    wanted, password, namespace = _wanted(options), _password(options), people.namespace

    def wanted_of(old: Secret | None) -> Wanted:
        return _with_registry(wanted, options, password, old)

    outcome = people.run(lambda client: store(client, namespace, name, wanted_of, dry_run=dry_run))
    tell(people, outcome, Fingerprints(), output, "(dry run)" if dry_run else "")


def _wanted(options: dict[str, Any]) -> Wanted:
    """What was asked for, but for registries. Raises click.UsageError, Failure."""
    from strongroom.cli.secret.change import Wanted
    from strongroom.cli.secret.sources import read_values

    asked = ("settings", "generators", "env_file", "removed", "labels", "annotations", "immutable")
    if not any(options[name] for name in (*asked, "kind", "registry", "remove_registry")):
        raise click.UsageError("nothing to set: say KEY=-, KEY=@FILE, KEY=? or --generate KEY=KIND")
    data = read_values(
        options["settings"],
        generators=options["generators"],
        env_file=options["env_file"],
        allow_argv=options["allow_argv"],
        raw=options["raw"],
    )
    if both := data.keys() & set(options["removed"]):
        raise click.UsageError(f"{min(both)} is both set and removed")
    return Wanted(
        data=data,
        removed=frozenset(options["removed"]),
        type=options["kind"],
        labels=_pairs("--label", options["labels"]),
        annotations=_pairs("--annotation", options["annotations"]),
        immutable=options["immutable"],
    )


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str | None]:
    pairs: dict[str, str | None] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if equals and key:
            pairs[key] = value
        elif text.endswith("-") and len(text) > 1:
            pairs[text[:-1]] = None
        else:
            raise click.UsageError(f"{option}: expected KEY=VALUE, or KEY- to remove it")
    return pairs


def _password(options: dict[str, Any]) -> str:
    """The password of the registry. Raises click.UsageError."""
    from strongroom.cli.secret.sources import read_values

    if not options["registry"]:
        if any(options[name] for name in ("username", "password_stdin", "email")):
            raise click.UsageError("--username, --password-stdin and --email need --registry HOST")
        return ""
    if not options["username"]:
        raise click.UsageError("--registry needs --username USER")
    if options["password_stdin"] and any(text.endswith("=-") for text in options["settings"]):
        raise click.UsageError("standard input is the password's; use KEY=@FILE")
    source = "password=-" if options["password_stdin"] else "password=?"
    content = read_values([source])["password"]
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Failure("the password is not UTF-8 text") from None


def _with_registry(
    wanted: Wanted, options: dict[str, Any], password: str, old: Secret | None
) -> Wanted:
    """What is wanted of this Secret, with the credentials that it has for other registries."""
    from dataclasses import replace

    from strongroom.cli.secret.registries import KEY, merged, without
    from strongroom.resources.secret import DOCKERCONFIGJSON

    host, gone = options["registry"], options["remove_registry"]
    if not host and not gone:
        return wanted
    if old is not None and old.type != DOCKERCONFIGJSON:
        raise Failure(
            f"secret {old.metadata.name} is of type {old.type}, not {DOCKERCONFIGJSON}; "
            "use another name"
        )
    content = old.data.get(KEY) if old else None
    if gone:
        content = without(content, gone)
    if host:
        credentials = {"username": options["username"], "password": password}
        credentials |= {"email": options["email"]} if options["email"] else {}
        content = merged(content, host, credentials)
    return replace(wanted, type=DOCKERCONFIGJSON, data={**wanted.data, KEY: content or b""})
