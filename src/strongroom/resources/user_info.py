"""UserInfo: who somebody is, as reviews tell of it (``authentication.k8s.io/v1``)."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.schema import F, Struct

API_PACKAGE = "io.k8s.api.authentication.v1"
GROUP = "authentication.k8s.io"


class UserInfo(Struct):
    """Somebody whom the API server knows."""

    username: Annotated[str, F(1, "The name, of which each user has a different one.")] = ""
    uid: Annotated[str, F(2, "Tells apart users who had the same name one after another.")] = ""
    groups: Annotated[
        list[str], F(3, "The groups that the user belongs to.", list_type="atomic")
    ] = []
    extra: Annotated[
        dict[str, list[str]],
        F(4, "What else the authenticator says of the user."),
    ] = {}
