"""`strongroom export`: Secrets as manifests, encrypted for whoever may read them."""

from __future__ import annotations

import secrets as randomness
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.people import Failure, People, people_options
from strongroom.files import private_directory, sync_directory, write_private

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.secret import Secret

Tree = dict[str, Any]
_SCOPES = ("strict", "namespace-wide", "cluster-wide")


@click.command("export")
@click.argument("names", nargs=-1, metavar="[NAME]…")
@people_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Label selector.")
@click.option(
    "--output",
    "target",
    metavar="DIR|-",
    required=True,
    help="Directory to make, with a file for each Secret; - is standard output.",
)
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="age1…",
    help="For SOPS, to this recipient of age; may be repeated.",
)
@click.option(
    "--sealed-cert",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="As SealedSecrets, for the controller of this certificate.",
)
@click.option(
    "--scope", type=click.Choice(_SCOPES), help="Where SealedSecrets open. [default: strict]"
)
@click.option(
    "--plaintext-readable-by-anyone",
    "plaintext",
    is_flag=True,
    help="Not encrypted at all: base64 hides nothing.",
)
def command(
    people: People,
    names: tuple[str, ...],
    all_namespaces: bool,
    selector: str,
    target: str,
    recipients: tuple[str, ...],
    sealed_cert: Path | None,
    scope: str | None,
    plaintext: bool,
) -> None:
    """Write Secrets as manifests that may lie in a repository: their values are encrypted, for SOPS
    or as SealedSecrets. Without NAMEs, all of the namespace.

    What a server notes of objects is left out: uids, owners, finalizers, annotations of tools. So
    are tokens of service accounts. Files are private (0600), and are there all or none.

    \b
    Examples:
      strongroom export db --recipient age1… --output - > db.sops.yaml
      strongroom export -n shop --recipient age1… --output secrets
      strongroom export -A -l app=shop --sealed-cert controller.pem --output sealed
    """
    if names and (all_namespaces or selector):
        raise click.UsageError("NAMEs, or -A and --selector, but not both")
    if bool(recipients) + bool(sealed_cert) + plaintext != 1:
        raise click.UsageError("say for whom: --recipient age1…, or --sealed-cert FILE")
    if scope and not sealed_cert:
        raise click.UsageError("--scope goes with --sealed-cert")
    protect = _protection(recipients, sealed_cert, scope or _SCOPES[0])
    namespace = "" if all_namespaces else people.namespace
    trees = [protect(tree) for tree in _read(people, names, namespace, selector)]
    if target == "-":
        _print(trees, joined=not recipients)
    else:
        _write(Path(target), trees)
        people.say(f"{len(trees)} Secrets in {target}")


def _protection(
    recipients: Sequence[str], certificate: Path | None, scope: str
) -> Callable[[Tree], Tree]:
    """What makes a manifest unreadable for others. Raises Failure."""
    now = datetime.now(UTC)
    if certificate is not None:
        from strongroom.sealing import sealed_secret

        try:
            key = sealed_secret.controller_key(certificate.read_bytes(), now)
        except ValueError as error:
            raise Failure(f"{certificate}: {error}") from None
        return lambda tree: sealed_secret.sealed(tree, key, sealed_secret.Scope(scope))
    if not recipients:
        return lambda tree: tree
    from strongroom.backup.age_keys import Recipient
    from strongroom.sealing import sops

    try:
        known = [Recipient.parse(text) for text in dict.fromkeys(recipients)]
    except ValueError as error:
        raise Failure(f"--recipient: {error}") from None
    return lambda tree: sops.sealed(tree, known, now)


def _read(people: People, names: Sequence[str], namespace: str, selector: str) -> list[Tree]:
    from strongroom.cli.manifests import exportable, manifest, wanted

    async def work(client: Client) -> list[Secret]:
        return await wanted(client, names, namespace, selector)

    secrets, left = exportable(people.run(work), bool(names))
    if left:
        people.warn(f"left out: {len(left)} tokens of service accounts ({left[0]}, …)")
    if not secrets:
        raise Failure("there is no Secret to export")
    return [manifest(secret) for secret in secrets]


def _text(tree: Tree) -> str:
    from strongroom.api import yaml_text

    return yaml_text.dump(tree, sort_keys=False)


def _print(trees: Sequence[Tree], *, joined: bool) -> None:
    if len(trees) > 1 and not joined:
        raise Failure("SOPS has a file for each document: --output DIR")
    click.echo("---\n".join(map(_text, trees)), nl=False)


def _write(directory: Path, trees: Sequence[Tree]) -> None:
    """Make the directory with all files, in one step. Raises Failure, OSError."""
    from strongroom.cli.manifests import file_name

    if directory.exists() and not (directory.is_dir() and not any(directory.iterdir())):
        raise Failure(f"{directory} is there and holds something: name a new directory")
    scratch = directory.absolute().with_name(f".{directory.name}.{randomness.token_hex(4)}")
    private_directory(scratch)
    try:
        for tree in trees:
            write_private(scratch / file_name(tree), _text(tree).encode())
        scratch.replace(directory)
        sync_directory(directory.absolute().parent)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
