"""`strongroom node join`: makes this machine a node of a cluster, and runs the node.

With a bootstrap token the node learns whom to trust, asks for a client certificate of its own, and
with that for a serving certificate. What it got it keeps: the next start needs no token.

The node agent itself runs in this process's place: it must enter its private mounts before
anything starts a thread, which talking to a server does; and its arguments show no token.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from strongroom.api.clock import SystemClock
from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.config import ClientConfig, load_config
from strongroom.client.errors import ClientFailure
from strongroom.node.certificates import BadCertificate
from strongroom.node.discovery import Cluster, Undiscovered, discover, of_file
from strongroom.node.identity import Identity
from strongroom.node.machine import address_towards
from strongroom.node.options import parse_options
from strongroom.node.requesting import Refused, obtain
from strongroom.paths import claim_data_dir, default_data_dir
from strongroom.resources.bootstrap_token import parse_token
from strongroom.resources.signer_names import KUBELET_CLIENT, KUBELET_SERVING

_PIN = re.compile(r"sha256:[0-9a-f]{64}")
_FAILURES = (StatusError, ClientFailure, Undiscovered, Refused, BadCertificate, OSError)
SERVING_PATIENCE = 30.0
"""Seconds to wait for the serving certificate, which may need a person: the node runs without."""


@dataclass(frozen=True, slots=True)
class JoinOptions:
    """What `strongroom node join` was told; ``rest`` goes to the node agent."""

    server: str
    token: str = field(repr=False)
    pins: frozenset[str] | None
    discovery_file: str
    bootstrap_kubeconfig: str
    identity: Identity
    rest: tuple[str, ...]


def main(argv: Sequence[str]) -> int:
    """Join, then become the node agent; returns the exit code only if that fails."""
    options = parse_join_options(argv)
    os.umask(0o077)
    try:
        claim_data_dir(options.identity.directory)
        config, serves = asyncio.run(_join(options))
    except _FAILURES as error:
        sys.stderr.write(f"strongroom node join: {error}\n")
        return 1
    return _become(_node_arguments(options, config, serves))


def _become(arguments: list[str]) -> NoReturn:
    sys.stderr.flush()
    argv = [sys.executable, "-m", "strongroom.node", *arguments]
    os.execv(sys.executable, argv)  # noqa: S606 - our own interpreter and module, no shell


def parse_join_options(argv: Sequence[str]) -> JoinOptions:
    """Read the command line; a wrong one ends the process with exit code 2."""
    parser = _parser()
    # The node's own options are not known here: a word among them must not pass for the server.
    first = argv[0] if argv and not argv[0].startswith("-") else ""
    given, rest = parser.parse_known_args(argv[1:] if first else argv)
    parse_options(rest)
    token = given.token
    if given.token_file is not None:
        try:
            token = given.token_file.read_text().strip()
        except OSError as error:
            parser.error(f"--token-file: {error.strerror}")
    if token and parse_token(token) is None:
        parser.error("a bootstrap token has the form ID.SECRET, as in abcdef.0123456789abcdef")
    directory = (given.data_dir or default_data_dir()).absolute()
    # A start that joins nothing goes on as whoever has joined.
    joins = first or token or given.bootstrap_kubeconfig
    known = given.hostname_override or ("" if joins else Identity.name_in(directory))
    name = (known or socket.gethostname()).lower()
    server = first.rstrip("/")
    if server and urlsplit(server).scheme != "https":
        parser.error("the server comes first, as https://HOST:PORT")
    if server and not (given.pins or given.discovery_file or given.unsafe) and token:
        parser.error("name the cluster's authority with --ca-cert-hash or --discovery-file")
    return JoinOptions(
        server=server,
        token=token,
        pins=None if given.unsafe else frozenset(given.pins),
        discovery_file=given.discovery_file,
        bootstrap_kubeconfig=given.bootstrap_kubeconfig,
        identity=Identity(directory, name),
        rest=tuple(rest),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="strongroom node join",
        usage="strongroom node join [https://HOST:PORT] [OPTIONS]",
        description="Make this machine a node of a cluster, and run it. A later start needs no "
        "token: the node has its own certificates then, and renews them. Options of "
        "`strongroom node` are taken too.",
        epilog="Example: strongroom node join https://10.0.0.1:6443 --token-file TOKEN "
        "--ca-cert-hash sha256:…",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--token", default="", metavar="ID.SECRET", help="bootstrap token; others see it in `ps`")
    add("--token-file", type=Path, metavar="FILE", help="a file that holds it")
    add(
        *("--ca-cert-hash", "--discovery-token-ca-cert-hash"),
        dest="pins",
        type=_pin,
        action="append",
        default=[],
        metavar="sha256:HEX",
        help="of the key of the cluster's authority; may be given again",
    )
    add(
        "--discovery-file", default="", metavar="FILE", help="a kubeconfig that names the authority"
    )
    add(
        "--discovery-token-unsafe-skip-ca-verification",
        dest="unsafe",
        action="store_true",
        help="trust what any holder of the token signed",
    )
    add(
        "--bootstrap-kubeconfig",
        default="",
        metavar="FILE",
        help="a kubeconfig that may ask for the certificate, in place of URL and token",
    )
    add("--data-dir", type=Path, metavar="DIR", help="where the node keeps its files")
    add("--hostname-override", default="", metavar="NAME", help="name of the node (host name)")
    return parser


def _pin(text: str) -> str:
    if not _PIN.fullmatch(text.lower()):
        raise argparse.ArgumentTypeError("expected sha256: and 64 hexadecimal digits")
    return text.lower()


async def _join(options: JoinOptions) -> tuple[ClientConfig, bool]:
    """Get what is missing; how to reach the server, and whether there is a serving certificate."""
    identity, clock = options.identity, SystemClock()
    if not identity.holds(KUBELET_CLIENT, clock.now()):
        await _bootstrap(options)
    config = load_config(identity.kubeconfig)
    if not identity.holds(KUBELET_SERVING, clock.now()):
        try:
            async with Client(config, user_agent="strongroom-node") as client:
                await asyncio.wait_for(
                    _get(client, identity, KUBELET_SERVING), timeout=SERVING_PATIENCE
                )
        except TimeoutError:
            _say("the serving certificate is not approved yet: no logs can be fetched from here")
        except Refused as error:
            _say(f"no logs can be fetched from here: {error}")
    return config, identity.holds(KUBELET_SERVING, clock.now())


async def _bootstrap(options: JoinOptions) -> None:
    """Get a client certificate, and write down where it is good for."""
    identity = options.identity
    config = await _first_config(options)
    identity.point_to(config.server, config.ca_data)
    async with Client(config, user_agent="strongroom-node") as client:
        _say(f"asking {config.server} for a certificate of node {identity.name}")
        await _get(client, identity, KUBELET_CLIENT)
    _say(f"node {identity.name} has joined; its files are in {identity.directory}")


async def _first_config(options: JoinOptions) -> ClientConfig:
    """How to ask for the first certificate. Raises Undiscovered."""
    if options.bootstrap_kubeconfig:
        config = load_config(options.bootstrap_kubeconfig)
        if not config.ca_data:
            raise Undiscovered(f"{options.bootstrap_kubeconfig} names no authority")
        return config
    token = parse_token(options.token)
    if token is None:
        raise Undiscovered(
            f"{options.identity.directory} holds no certificate of node {options.identity.name} "
            "that is in force: join with a bootstrap token or --bootstrap-kubeconfig"
        )
    cluster = await _cluster(options, *token)
    return ClientConfig(cluster.server, cluster.authority, token=options.token)


async def _cluster(options: JoinOptions, token_id: str, secret: str) -> Cluster:
    if options.discovery_file:
        found = of_file(options.discovery_file)
        return Cluster(options.server or found.server, found.authority)
    if not options.server:
        raise Undiscovered("name the API server as https://HOST:PORT")
    return await discover(options.server, token_id, secret.encode(), options.pins)


async def _get(client: Client, identity: Identity, signer: str) -> None:
    request = identity.request(signer)
    certificate = await obtain(client, signer, request.pkcs10)
    identity.store(signer, certificate, request.key)


def _node_arguments(options: JoinOptions, config: ClientConfig, serves: bool) -> list[str]:
    """The arguments of the node agent; what the user gave of them comes last, and wins."""
    identity = options.identity
    pair = str(identity.file(KUBELET_SERVING))
    arguments = ["--kubeconfig", str(identity.kubeconfig), "--rotate-certificates"]
    arguments += ["--hostname-override", identity.name]
    arguments += ["--root-dir", str(identity.directory / "node")]
    arguments += ["--hidden-path", str(identity.directory)]
    arguments += ["--client-ca-file", str(identity.ca_file)]
    arguments += ["--address", address_towards(config.server)]
    if serves:
        arguments += ["--tls-cert-file", pair, "--tls-private-key-file", pair]
    return [*arguments, *options.rest]


def _say(text: str) -> None:
    sys.stderr.write(f"strongroom node join: {text}\n")
    sys.stderr.flush()
