"""What containers need and may use of the resources of a node."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.schema import F, Struct, always


class ResourceClaim(Struct):
    """A claim of the pod that a container uses."""

    name: Annotated[str, F(1, "Name of the claim in spec.resourceClaims.", required=True)] = always(
        str
    )
    request: Annotated[str, F(2, "The part of the claim to use; all of it by default.")] = ""


class ResourceRequirements(Struct):
    """What a container needs at least and may use at most."""

    limits: Annotated[dict[str, str], F(1, "The most of each resource.", format="quantity")] = {}
    requests: Annotated[
        dict[str, str], F(2, "The least of each resource; the limit by default.", format="quantity")
    ] = {}
    claims: Annotated[
        list[ResourceClaim],
        F(3, "Device claims that are used.", list_type="map", list_keys=("name",)),
    ] = []


class ContainerResizePolicy(Struct):
    """What a change of a resource does to a running container."""

    resourceName: Annotated[str, F(1, "The resource.", required=True)] = always(str)
    restartPolicy: Annotated[str, F(2, "Whether the container is restarted.", required=True)] = (
        always(str)
    )
