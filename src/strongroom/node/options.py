"""The node agent's options; those that the kubelet has too bear its names and meanings."""

from __future__ import annotations

import argparse
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strongroom.paths import default_data_dir
from strongroom.telemetry import LOG_LEVELS

PORT = 10250
"""The kubelet's port."""

_LABEL = re.compile(r"([A-Za-z0-9./_-]+)=([A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """What the agent was told."""

    kubeconfig: Path | None
    name: str
    root_dir: Path
    addresses: tuple[str, ...]
    bind: str
    port: int
    register: bool
    labels: dict[str, str]
    hidden_paths: tuple[Path, ...]
    tls_cert_file: Path | None
    tls_key_file: Path | None
    client_ca_file: Path | None
    rotate_certificates: bool
    volumes_size: str | None
    log_format: str
    log_level: str


def parse_options(argv: Sequence[str] | None = None) -> NodeOptions:
    """Read the command line; a wrong one ends the process with exit code 2."""
    parser = _parser()
    given = parser.parse_args(argv)
    if (given.tls_cert_file is None) != (given.tls_private_key_file is None):
        parser.error("--tls-cert-file and --tls-private-key-file belong together")
    return NodeOptions(
        kubeconfig=given.kubeconfig,
        name=(given.hostname_override or socket.gethostname()).lower(),
        root_dir=(given.root_dir or default_data_dir() / "node").absolute(),
        addresses=tuple(a for a in given.node_ip.split(",") if a),
        bind=given.address,
        port=given.port,
        register=given.register_node,
        labels=dict(given.node_labels),
        hidden_paths=(*given.hidden_path, *_homes_of_keys()),
        tls_cert_file=given.tls_cert_file,
        tls_key_file=given.tls_private_key_file,
        client_ca_file=given.client_ca_file,
        rotate_certificates=given.rotate_certificates,
        volumes_size=given.volumes_size,
        log_format=given.log_format,
        log_level=given.log_level,
    )


def _homes_of_keys() -> list[Path]:
    """Where an API server of this machine keeps its key by default: never for containers."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return [Path("/etc/strongroom"), config / "strongroom", default_data_dir()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="strongroom node",
        description="Run the pods that are bound to this node, with their Secrets.",
        epilog="Example: strongroom node --kubeconfig DIR/pki/node.kubeconfig --root-dir DIR/node. "
        "A machine that has no certificates yet joins: see strongroom node join --help",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--kubeconfig", type=Path, metavar="FILE", help="how to reach the API server")
    add("--hostname-override", default="", metavar="NAME", help="name of the node (host name)")
    add("--root-dir", "--data-dir", type=Path, metavar="DIR", help="where the node keeps its files")
    add("--node-ip", default="", metavar="IP[,IP]", help="addresses to report")
    add("--address", default="127.0.0.1", metavar="IP", help="address of the HTTPS endpoint")
    add("--port", type=_port, default=PORT, metavar="N", help="its port; 0 picks a free one")
    add(
        "--register-node",
        type=_boolean,
        nargs="?",
        const=True,
        default=True,
        metavar="BOOL",
        help="make the Node object (true)",
    )
    add(
        "--node-labels",
        type=_labels,
        default={},
        metavar="KEY=VALUE[,…]",
        help="labels to add to the Node",
    )
    add(
        "--hidden-path",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="a path that no container may see; may be given again",
    )
    add("--tls-cert-file", type=Path, metavar="FILE", help="certificate of the HTTPS endpoint")
    add("--tls-private-key-file", type=Path, metavar="FILE", help="its key")
    add(
        "--client-ca-file",
        type=Path,
        metavar="FILE",
        help="authority of the clients of the HTTPS endpoint (the kubeconfig's)",
    )
    add(
        "--rotate-certificates",
        action="store_true",
        help="renew the certificates that `strongroom node join` got, beside the kubeconfig",
    )
    add(
        "--volumes-size", metavar="SIZE", help="limit of all volumes, as for tmpfs (half of memory)"
    )
    add("--log-format", choices=("json", "text"), default="text", help="form of the log")
    add("--log-level", choices=LOG_LEVELS, default="info", help="what is logged")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number up to 65535")
    return int(text)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError("either true or false")
    return text.lower() == "true"


def _labels(text: str) -> dict[str, str]:
    labels = {}
    for part in filter(None, text.split(",")):
        match = _LABEL.fullmatch(part)
        if match is None:
            raise argparse.ArgumentTypeError(f"{part!r} is not KEY=VALUE")
        labels[match[1]] = match[2]
    return labels
