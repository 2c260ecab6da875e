"""The command line of the API server; names and meanings are kube-apiserver's where it has them."""

from __future__ import annotations

import argparse
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from strongroom.paths import default_data_dir
from strongroom.server.alerts.options import AlertOptions, add_alert_options, alert_options
from strongroom.server.argument_types import duration
from strongroom.server.audit.options import AuditOptions, add_audit_options, audit_options
from strongroom.server.audit.policy_options import (
    AuditPolicyOptions,
    add_audit_policy_options,
    audit_policy_options,
)
from strongroom.server.authentication_options import (
    AuthenticationOptions,
    add_authentication_options,
    authentication_options,
)
from strongroom.server.authorization_options import (
    AuthorizationOptions,
    add_authorization_options,
    authorization_options,
)
from strongroom.server.encryption.options import (
    EncryptionOptions,
    add_encryption_options,
    encryption_options,
)
from strongroom.server.etcd_options import (
    ETCD,
    EtcdOptions,
    add_etcd_options,
    etcd_options,
    etcd_store,
)
from strongroom.server.plugins import check, named
from strongroom.server.secret_options import SecretOptions, add_secret_options, secret_options
from strongroom.server.tls_options import TLSOptions, add_tls_options, tls_options
from strongroom.server.token_options import TokenOptions, add_token_options, token_options
from strongroom.server.token_webhook_options import (
    TokenWebhookOptions,
    add_token_webhook_options,
    token_webhook_options,
)
from strongroom.telemetry import LOG_LEVELS, LogFormat

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SQLITE = "sqlite:"
"""How the URL of a store in a file begins; its path follows."""

_FEWEST_ADDRESSES = 8


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of one run."""

    data_dir: Path
    bind: str
    port: int
    store: str
    etcd: EtcdOptions
    kubeconfig: Path
    control_plane_endpoint: str | None
    node_name: str
    tls_cert_file: Path | None
    tls_private_key_file: Path | None
    client_ca_file: Path | None
    service_cluster_ip_range: Network
    audit: AuditOptions
    event_ttl: float
    compaction_interval: float
    secret_history_limit: int
    secret_history_max_age: float
    max_requests_inflight: int
    max_mutating_requests_inflight: int
    max_watches_per_user: int
    workers: int
    authorization: AuthorizationOptions
    disabled_plugins: frozenset[str]
    authentication: AuthenticationOptions
    token_webhook: TokenWebhookOptions
    tls: TLSOptions
    tokens: TokenOptions
    secrets: SecretOptions
    alerts: AlertOptions
    encryption: EncryptionOptions
    recorded: AuditPolicyOptions
    log_format: LogFormat
    log_level: str

    @property
    def pki_dir(self) -> Path:
        return self.data_dir / "pki"


def parse_options(argv: Sequence[str]) -> Options:
    """Read a command line; prints usage and exits with 2 for anything unknown or wrong."""
    parser = _parser()
    found = parser.parse_args(argv)
    if (found.tls_cert_file is None) != (found.tls_private_key_file is None):
        parser.error("--tls-cert-file and --tls-private-key-file go together")
    data_dir = (found.data_dir or default_data_dir()).expanduser().absolute()
    values = vars(found) | {"data_dir": data_dir}
    enabled = named(values.pop("enable_admission_plugins"))
    values["disabled_plugins"] = named(values.pop("disable_admission_plugins"))
    if wrong := check(enabled, values["disabled_plugins"]):
        parser.error(wrong)
    try:
        values["authorization"] = authorization_options(values)
        values["authentication"] = authentication_options(values)
        values["tls"] = tls_options(values)
        values["encryption"] = encryption_options(values)
        values["etcd"] = etcd_options(values)
    except ValueError as error:
        parser.error(str(error))
    values["token_webhook"] = token_webhook_options(values)
    values["tokens"] = token_options(values)
    values["secrets"] = secret_options(values)
    values["alerts"] = alert_options(values)
    values["recorded"] = audit_policy_options(values)
    try:
        values["audit"] = audit_options(values, data_dir)
    except ValueError as error:
        parser.error(str(error))
    values["kubeconfig"] = (found.kubeconfig or data_dir / "admin.kubeconfig").absolute()
    values["store"] = values["store"] or f"sqlite:{data_dir / 'store' / 'strongroom.db'}"
    return Options(**values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "strongroom apiserver",
        allow_abbrev=False,
        description="Run the API server.",
        epilog="example: strongroom apiserver --data-dir ./room --port 0",
    )
    _keeping(parser)
    add_etcd_options(parser)
    _serving(parser)
    _judging(parser)
    add_authentication_options(parser)
    add_token_webhook_options(parser)
    add_tls_options(parser)
    add_authorization_options(parser)
    add_token_options(parser)
    add_secret_options(parser)
    add_encryption_options(parser)
    add_alert_options(parser)
    add_audit_options(parser)
    add_audit_policy_options(parser)
    _sharing(parser)
    _telling(parser)
    return parser


def _keeping(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what it keeps, where, and for how long").add_argument
    add("--data-dir", type=Path, metavar="DIR", help="where everything is kept")
    add(
        "--store",
        type=store_url,
        metavar="URL",
        help="sqlite:PATH (default: in the data directory), or etcd:https://HOST:PORT[,…]",
    )
    add(
        "--event-ttl",
        type=duration,
        default=3600.0,
        metavar="DURATION",
        help="how long Events are kept (1h)",
    )
    add(
        "--compaction-interval",
        "--etcd-compaction-interval",
        dest="compaction_interval",
        type=duration,
        default=300.0,
        metavar="DURATION",
        help="how long history is kept (5m)",
    )
    add(
        "--secret-history-limit",
        type=_count,
        default=10,
        metavar="N",
        help="earlier states kept of each Secret, where it or its namespace says nothing else "
        "(10); 0: none of any",
    )
    add(
        "--secret-history-max-age",
        type=duration,
        default=30 * 86400.0,
        metavar="DURATION",
        help="how long they are kept, also those of deleted Secrets (720h)",
    )


def _serving(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what it serves, where, and as whom").add_argument
    add("--bind", "--bind-address", default="127.0.0.1", metavar="ADDR", help="address to serve on")
    add(
        "--port",
        "--secure-port",
        type=_port,
        default=6443,
        metavar="N",
        help="port to serve on; 0 picks a free one",
    )
    add(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="where the admin's kubeconfig goes (default: DIR/admin.kubeconfig)",
    )
    add(
        "--control-plane-endpoint",
        type=_endpoint,
        metavar="HOST:PORT",
        help="how clients reach several servers: the address of a balancer in front of them",
    )
    add(
        "--node-name",
        default=socket.gethostname().lower(),
        metavar="NAME",
        help="node for which pki/node.kubeconfig is made (default: the host's name)",
    )
    add("--tls-cert-file", type=Path, metavar="FILE", help="serving certificate of your own")
    add("--tls-private-key-file", type=Path, metavar="FILE", help="its key")
    add(
        "--client-ca-file",
        type=Path,
        metavar="FILE",
        help="authorities of client certificates, beside our own",
    )
    add(
        "--service-cluster-ip-range",
        type=_network,
        default="10.96.0.0/12",
        metavar="CIDR",
        help="addresses that Services are given (10.96.0.0/12)",
    )


def _judging(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("who judges").add_argument
    for verb, help_ in (
        ("enable", "admission plugins that must be on, as all are by default; may be repeated"),
        ("disable", "admission plugins that are off; may be repeated"),
    ):
        add(
            f"--{verb}-admission-plugins",
            action="append",
            default=[],
            metavar="NAME[,NAME]",
            help=help_,
        )


def _sharing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("how much it does at once").add_argument
    add(
        "--max-requests-inflight",
        type=_count,
        default=400,
        metavar="N",
        help="requests under way at once, together with the next option's; both 0: no limits",
    )
    add(
        "--max-mutating-requests-inflight",
        type=_count,
        default=200,
        metavar="N",
        help="added to the option above: priority and fairness shares the sum among all",
    )
    add(
        "--max-watches-per-user",
        type=_count,
        default=10_000,
        metavar="N",
        help="watches that a user may have open; 0: any number",
    )
    add(
        "--workers",
        type=_positive,
        default=1,
        metavar="N",
        help="processes that serve, over one store (1)",
    )


def _telling(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what it tells of its work").add_argument
    add("--log-format", choices=("json", "text"), default="text", help="form of the log")
    add(
        "--log-level",
        choices=LOG_LEVELS,
        default="info",
        help="what is logged",
    )


def _endpoint(text: str) -> str:
    """The URL of what is given as host and port. Raises ArgumentTypeError."""
    parts = urlsplit(f"https://{text}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if not parts.hostname or not port or parts.netloc != text or parts.username:
        raise argparse.ArgumentTypeError("expected HOST:PORT")
    return f"https://{text}"


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("expected a port between 0 and 65535")
    return int(text)


def _network(text: str) -> Network:
    """A range in which there is room for the API's own Service and some more."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        network = None
    if network is None or network.num_addresses < _FEWEST_ADDRESSES:
        raise argparse.ArgumentTypeError("expected a range of 8 or more addresses: 10.96.0.0/12")
    return network


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError("expected a number of 0 or more")
    return int(text)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a number of 1 or more")
    return int(text)


def store_url(text: str) -> str:
    """The URL of a store, as given. Raises ArgumentTypeError."""
    if text.startswith(ETCD):
        return etcd_store(text.removeprefix(ETCD))
    if not text.startswith(SQLITE) or text == SQLITE:
        raise argparse.ArgumentTypeError("expected sqlite:PATH or etcd:https://HOST:PORT")
    return text
