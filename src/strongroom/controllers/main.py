"""`strongroom controllers`: runs every controller against one API server until told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from strongroom.api.clock import SystemClock
from strongroom.client.client import Client
from strongroom.client.config import ClientConfig, load_config
from strongroom.client.errors import ClientFailure
from strongroom.client.events import EventRecorder
from strongroom.controllers.bootstrapsigner import BootstrapSigner
from strongroom.controllers.certificates.approver import Approver, names_of
from strongroom.controllers.certificates.cleaner import Cleaner
from strongroom.controllers.certificates.following import requests
from strongroom.controllers.certificates.issuer import CertificateIssuer
from strongroom.controllers.certificates.options import Duration, Signing, signing_options
from strongroom.controllers.certificates.podcleaner import PodCleaner
from strongroom.controllers.certificates.podsigner import PodSigner, pod_requests
from strongroom.controllers.certificates.secret_authorities import (
    SecretAuthorities,
    certificate_secrets,
)
from strongroom.controllers.certificates.signer import ClusterAuthority, Signer
from strongroom.controllers.clusterroles import ClusterRoleAggregation
from strongroom.controllers.controller import Controller, work
from strongroom.controllers.garbage import GarbageCollector
from strongroom.controllers.leaderelection import LeaderElection, LeadLost, Terms
from strongroom.controllers.leaderelection_options import leading_options
from strongroom.controllers.legacytokens import LegacyTokenCleaner
from strongroom.controllers.monitors import Monitors
from strongroom.controllers.namespace import NamespaceController
from strongroom.controllers.node_lifecycle import NodeLifecycle
from strongroom.controllers.resourcequota import ResourceQuotaController
from strongroom.controllers.rootca import root_ca_publisher
from strongroom.controllers.scheduler import Scheduler
from strongroom.controllers.secretexpiry import SecretExpiry
from strongroom.controllers.secretexpiry_options import Spans
from strongroom.controllers.serviceaccounts import service_account_controller
from strongroom.controllers.tokencleaner import TokenCleaner
from strongroom.process import collect_from_now_on, forbid_dumps, small_tls_buffers
from strongroom.telemetry import LOG_LEVELS, LogFormat, setup_logging

NAMES = (
    "serviceaccount",
    "root-ca-cert-publisher",
    "legacy-service-account-token-cleaner",
    "bootstrapsigner",
    "tokencleaner",
    "scheduler",
    "namespace",
    "node-lifecycle",
    "garbage-collector",
    "resourcequota",
    "csrapproving",
    "csrsigning",
    "csrsigning-custom",
    "csrcleaner",
    "certificate-issuer",
    "podcertificate-signing",
    "podcertificaterequestcleaner",
    "clusterrole-aggregation",
    "secretexpiry",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Which controllers run, and what they are told."""

    names: tuple[str, ...]
    root_ca: bytes
    """Certificates in PEM."""
    legacy_token_period: timedelta
    """How long a generated token may be unused."""
    signing: Signing
    expiry_warnings: tuple[timedelta, ...]
    """How long before its end a Secret is told of."""
    terms: Terms
    """Whether and how it is settled which of several processes works."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--kubeconfig", metavar="FILE", help="How to reach the API server.")
@click.option(
    "--controllers",
    metavar="LIST",
    default=",".join(NAMES),
    show_default=True,
    help="Which controllers to run.",
)
@click.option(
    "--root-ca-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Authority that pods are given to trust the API server by.  [default: the kubeconfig's]",
)
@click.option(
    "--legacy-service-account-token-clean-up-period",
    "legacy_token_period",
    metavar="DURATION",
    type=Duration(),
    default="8760h",
    show_default=True,
    help="How long a token that was generated may be unused before it is put out of use, and then"
    " before it is deleted.",
)
@click.option(
    "--secret-expiry-warnings",
    "expiry_warnings",
    metavar="DURATIONS",
    type=Spans(),
    default="30d,7d,1d",
    show_default=True,
    help="How long before its end a Secret is told of by an Event; each is told once a day.",
)
@signing_options
@leading_options
@click.option(
    "--log-format", type=click.Choice(["json", "text"]), default="text", help="Form of the log."
)
@click.option("--log-level", type=click.Choice(LOG_LEVELS), default="info", help="What is logged.")
def main(
    kubeconfig: str | None,
    controllers: str,
    root_ca_file: Path | None,
    legacy_token_period: timedelta,
    expiry_warnings: tuple[timedelta, ...],
    log_format: LogFormat,
    log_level: str,
    signing: Signing,
    terms: Terms,
) -> None:
    """Run the controllers: scheduler, deletion of namespaces and of what nobody owns, node
    lifecycle, what quotas have left, service accounts and the authority that pods trust, old
    tokens and bootstrap tokens, Secrets that expire.

    Prints a line that begins with `ready` once all follow the API server, or another process is
    seen to do the work, which is waited for.

    Example: strongroom controllers --kubeconfig DIR/pki/controller-manager.kubeconfig
    """
    forbid_dumps()
    small_tls_buffers()
    setup_logging(log_format, log_level)
    wanted = tuple(dict.fromkeys(name for name in controllers.split(",") if name))
    unknown = sorted(set(wanted) - set(NAMES))
    known = ", ".join(NAMES)
    if not wanted:
        raise click.UsageError(f"no controllers to run; known: {known}")
    if unknown:
        raise click.UsageError(f"unknown controllers: {', '.join(unknown)}; known: {known}")
    try:
        config = load_config(kubeconfig)
        root_ca = root_ca_file.read_bytes() if root_ca_file else config.ca_data
    except ClientFailure as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"--root-ca-file: {error.strerror}") from error
    settings = Settings(wanted, root_ca, legacy_token_period, signing, expiry_warnings, terms)
    try:
        asyncio.run(run(config, settings))
    except BaseExceptionGroup as group:
        lost = group.subgroup(LeadLost)
        if lost is None:
            raise
        raise click.ClickException(f"leader election lost: {lost.exceptions[0]}") from group


async def run(config: ClientConfig, settings: Settings) -> None:
    """Run controllers until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    clock = SystemClock()
    async with Client(config, user_agent="strongroom-controllers") as client:
        events = EventRecorder(client, component="default-scheduler", clock=clock)
        node_events = EventRecorder(client, component="node-controller", clock=clock)
        garbage_events = EventRecorder(
            client, component="garbage-collector-controller", clock=clock
        )
        monitors = Monitors(client)
        asked, secrets = requests(client), certificate_secrets(client)
        authorities = SecretAuthorities(secrets)
        for_pods = pod_requests(client)
        issuer_events = EventRecorder(client, component="certificate-issuer", clock=clock)
        expiry_events = EventRecorder(client, component="secret-expiry-controller", clock=clock)
        known: dict[str, Controller] = {
            "serviceaccount": service_account_controller(client),
            "root-ca-cert-publisher": root_ca_publisher(client, settings.root_ca),
            "legacy-service-account-token-cleaner": LegacyTokenCleaner(
                client, clock, settings.legacy_token_period
            ),
            "bootstrapsigner": BootstrapSigner(client, clock),
            "tokencleaner": TokenCleaner(client, clock),
            "scheduler": Scheduler(client, events, clock),
            "namespace": NamespaceController(client, monitors, clock),
            "node-lifecycle": NodeLifecycle(client, node_events, clock),
            "garbage-collector": GarbageCollector(client, monitors, garbage_events),
            "resourcequota": ResourceQuotaController(client, monitors, clock),
            "csrapproving": Approver(client, asked, names_of(config.server)),
            "csrsigning": Signer(
                "csrsigning", client, asked, ClusterAuthority(settings.signing), clock
            ),
            "csrsigning-custom": Signer("csrsigning-custom", client, asked, authorities, clock),
            "certificate-issuer": CertificateIssuer(
                client, secrets, authorities, issuer_events, clock
            ),
            "csrcleaner": Cleaner(client, asked, clock),
            "podcertificate-signing": PodSigner(client, for_pods, authorities, clock),
            "podcertificaterequestcleaner": PodCleaner(client, for_pods, clock),
            "clusterrole-aggregation": ClusterRoleAggregation(client),
            "secretexpiry": SecretExpiry(client, expiry_events, clock, settings.expiry_warnings),
        }
        recorders = [events, node_events, garbage_events, issuer_events, expiry_events]
        election = LeaderElection(client, settings.terms, clock) if settings.terms.elect else None
        await _serve([known[name] for name in settings.names], recorders, stop, election)
        if election is not None:
            await election.release()


async def _serve(
    controllers: list[Controller],
    recorders: list[EventRecorder],
    stop: asyncio.Event,
    election: LeaderElection | None,
) -> None:
    for recorder in recorders:
        recorder.start()
    stopping = asyncio.create_task(stop.wait())
    working = asyncio.create_task(_work_in_turn(controllers, election))
    # A controller that fails on something it does not expect ends the process: the supervisor
    # starts it afresh, which beats going on with half of the work undone.
    done, _ = await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, working):
        task.cancel()
    await asyncio.gather(stopping, working, return_exceptions=True)
    for controller in controllers:
        controller.queue.close()
        await controller.close()
    for recorder in recorders:
        await recorder.close()
    if working in done:
        working.result()


async def _work_in_turn(controllers: list[Controller], election: LeaderElection | None) -> None:
    """Work as long as we lead. Raises LeadLost: whoever has lost the lead ends, as upstream."""
    if election is None:
        await _work_all(controllers)
        return
    await election.hold(waiting=_ready)
    async with asyncio.TaskGroup() as group:
        group.create_task(election.keep())
        group.create_task(_work_all(controllers))


async def _work_all(controllers: list[Controller]) -> None:
    """Start controllers, each of which waits for the API server as long as it takes, and work."""
    async with asyncio.TaskGroup() as group:
        # All at once, so that nobody's list waits for another's.
        starts = [group.create_task(each.start(), name=each.name) for each in controllers]
        for controller, start in zip(controllers, starts, strict=True):
            await start
            group.create_task(work(controller), name=controller.name)
        collect_from_now_on()
        _ready()


def _ready() -> None:
    sys.stdout.write("ready controllers\n")
    sys.stdout.flush()
