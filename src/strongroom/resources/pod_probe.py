"""Probes and lifecycle hooks of containers, and the actions that both are made of."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.schema import F, Struct, always

_REAL_TIME = range(1, 15)

SIGNALS = tuple(
    sorted(
        [
            f"SIG{name}"
            for name in (
                "ABRT",
                "ALRM",
                "BUS",
                "CHLD",
                "CLD",
                "CONT",
                "FPE",
                "HUP",
                "ILL",
                "INT",
                "IO",
                "IOT",
                "KILL",
                "PIPE",
                "POLL",
                "PROF",
                "PWR",
                "QUIT",
                "SEGV",
                "STKFLT",
                "STOP",
                "SYS",
                "TERM",
                "TRAP",
                "TSTP",
                "TTIN",
                "TTOU",
                "URG",
                "USR1",
                "USR2",
                "VTALRM",
                "WINCH",
                "XCPU",
                "XFSZ",
                "RTMIN",
                "RTMIN+15",
                "RTMAX",
            )
        ]
        + [f"SIGRTMIN+{n}" for n in _REAL_TIME]
        + [f"SIGRTMAX-{n}" for n in _REAL_TIME]
    )
)
"""Every signal by which a container may ask to be stopped."""


class ExecAction(Struct):
    """Runs a command in the container; exit code 0 is success."""

    command: Annotated[
        list[str], F(1, "The command and its arguments; no shell is involved.", list_type="atomic")
    ] = []


class HTTPHeader(Struct):
    """A header of a probe's request."""

    name: Annotated[str, F(1, "Name of the header.", required=True)] = always(str)
    value: Annotated[str, F(2, "Value of the header.", required=True)] = always(str)


class HTTPGetAction(Struct):
    """Sends a GET request to the container."""

    path: Annotated[str, F(1, "Path of the request.")] = ""
    port: Annotated[
        int | str, F(2, "Number or name of the port.", format="int-or-string", required=True)
    ] = always(int)
    host: Annotated[str, F(3, "Host to connect to; the pod's IP by default.")] = ""
    scheme: Annotated[str, F(4, "HTTP or HTTPS; HTTP by default.", enum=("HTTP", "HTTPS"))] = ""
    httpHeaders: Annotated[
        list[HTTPHeader], F(5, "Headers to send; a name may come twice.", list_type="atomic")
    ] = []
    protocol: Annotated[str | None, F(6, "Version of HTTP to speak.", enum=("HTTP1", "HTTP2"))] = (
        None
    )


class TCPSocketAction(Struct):
    """Opens a TCP connection to the container."""

    port: Annotated[
        int | str, F(1, "Number or name of the port.", format="int-or-string", required=True)
    ] = always(int)
    host: Annotated[str, F(2, "Host to connect to; the pod's IP by default.")] = ""


class GRPCAction(Struct):
    """Calls the container's gRPC health service."""

    port: Annotated[int, F(1, "Number of the port.", format="int32", required=True)] = always(int)
    service: Annotated[str | None, F(2, "Service name to ask for; empty by default.")] = None
    mode: Annotated[
        str | None, F(3, "Whether the connection is encrypted.", enum=("Plaintext", "TLS"))
    ] = None


class SleepAction(Struct):
    """Waits."""

    seconds: Annotated[int, F(1, "How long to wait.", format="int64", required=True)] = always(int)


class LifecycleHandler(Struct):
    """What is done at a moment of a container's life; exactly one is set."""

    exec: Annotated[ExecAction | None, F(1, "A command to run.")] = None
    httpGet: Annotated[HTTPGetAction | None, F(2, "A request to send.")] = None
    tcpSocket: Annotated[
        TCPSocketAction | None, F(3, "Not supported as a hook; kept for old objects.")
    ] = None
    sleep: Annotated[SleepAction | None, F(4, "A time to wait.")] = None


class Lifecycle(Struct):
    """What is done when a container has started and before it is stopped."""

    postStart: Annotated[
        LifecycleHandler | None, F(1, "Done after the start; a failure restarts the container.")
    ] = None
    preStop: Annotated[
        LifecycleHandler | None,
        F(2, "Done before the container is stopped, within its grace period."),
    ] = None
    stopSignal: Annotated[
        str | None,
        F(3, "Signal that stops the container; the image's, or SIGTERM, by default.", enum=SIGNALS),
    ] = None


class Probe(Struct):
    """A check of a container, made again and again."""

    exec: Annotated[ExecAction | None, F(1, "A command to run.", within=1)] = None
    httpGet: Annotated[HTTPGetAction | None, F(2, "A request to send.", within=1)] = None
    tcpSocket: Annotated[TCPSocketAction | None, F(3, "A connection to open.", within=1)] = None
    grpc: Annotated[GRPCAction | None, F(4, "A gRPC health check to make.", within=1)] = None
    initialDelaySeconds: Annotated[
        int, F(2, "Seconds after the start before the first check.", format="int32")
    ] = 0
    timeoutSeconds: Annotated[
        int, F(3, "Seconds after which a check has failed; 1 by default.", format="int32")
    ] = 0
    periodSeconds: Annotated[
        int, F(4, "Seconds between checks; 10 by default.", format="int32")
    ] = 0
    successThreshold: Annotated[
        int, F(5, "Successes in a row that end a failure; 1 by default.", format="int32")
    ] = 0
    failureThreshold: Annotated[
        int, F(6, "Failures in a row that make a failure; 3 by default.", format="int32")
    ] = 0
    terminationGracePeriodSeconds: Annotated[
        int | None,
        F(
            7,
            "Grace period when this probe stops the container; the pod's by default.",
            format="int64",
        ),
    ] = None
