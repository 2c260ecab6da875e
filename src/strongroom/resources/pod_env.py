"""The environment of containers, and what selects a key, field or resource for it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from strongroom.api.schema import F, Struct, always


class ObjectFieldSelector(Struct):
    """Selects a field of the pod."""

    owned_whole: ClassVar[bool] = True

    apiVersion: Annotated[str, F(1, "API version in which the path is written; v1 by default.")] = (
        ""
    )
    fieldPath: Annotated[str, F(2, "The path, such as `metadata.name`.", required=True)] = always(
        str
    )


class ResourceFieldSelector(Struct):
    """Selects a resource limit or request of a container."""

    owned_whole: ClassVar[bool] = True

    containerName: Annotated[
        str, F(1, "The container; needed in volumes, optional in environment variables.")
    ] = ""
    resource: Annotated[str, F(2, "The resource, such as `limits.memory`.", required=True)] = (
        always(str)
    )
    divisor: Annotated[
        str,
        F(
            3,
            "The unit in which the value is shown; 1 by default.",
            format="quantity",
            by_value=True,
        ),
    ] = ""


class ConfigMapKeySelector(Struct):
    """Selects a key of a ConfigMap."""

    owned_whole: ClassVar[bool] = True

    name: Annotated[str, F(1, "Name of the ConfigMap.", within=1, refers="ConfigMap")] = ""
    key: Annotated[str, F(2, "The key.", required=True)] = always(str)
    optional: Annotated[bool | None, F(3, "Whether the ConfigMap or its key may be missing.")] = (
        None
    )


class SecretKeySelector(Struct):
    """Selects a key of a Secret."""

    owned_whole: ClassVar[bool] = True

    name: Annotated[str, F(1, "Name of the Secret.", within=1, refers="Secret")] = ""
    key: Annotated[str, F(2, "The key.", required=True)] = always(str)
    optional: Annotated[bool | None, F(3, "Whether the Secret or its key may be missing.")] = None


class FileKeySelector(Struct):
    """Selects a variable from a file in env format that an init container wrote."""

    owned_whole: ClassVar[bool] = True

    volumeName: Annotated[str, F(1, "The emptyDir volume that holds the file.", required=True)] = (
        always(str)
    )
    path: Annotated[str, F(2, "Path of the file within the volume.", required=True)] = always(str)
    key: Annotated[str, F(3, "Name of the variable in the file.", required=True)] = always(str)
    optional: Annotated[bool | None, F(4, "Whether the file or the variable may be missing.")] = (
        None
    )


class EnvVarSource(Struct):
    """Where the value of an environment variable comes from; exactly one is set."""

    fieldRef: Annotated[ObjectFieldSelector | None, F(1, "A field of the pod.")] = None
    resourceFieldRef: Annotated[
        ResourceFieldSelector | None, F(2, "A limit or request of a container.")
    ] = None
    configMapKeyRef: Annotated[ConfigMapKeySelector | None, F(3, "A key of a ConfigMap.")] = None
    secretKeyRef: Annotated[SecretKeySelector | None, F(4, "A key of a Secret.")] = None
    fileKeyRef: Annotated[FileKeySelector | None, F(5, "A variable in a file of a volume.")] = None


class EnvVar(Struct):
    """An environment variable of a container."""

    name: Annotated[str, F(1, "Name of the variable.", required=True)] = always(str)
    value: Annotated[str, F(2, "Its value; `$(NAME)` expands to variables set before.")] = ""
    valueFrom: Annotated[EnvVarSource | None, F(3, "Where the value comes from instead.")] = None


class ConfigMapEnvSource(Struct):
    """Takes all text values of a ConfigMap as variables."""

    name: Annotated[str, F(1, "Name of the ConfigMap.", within=1, refers="ConfigMap")] = ""
    optional: Annotated[bool | None, F(2, "Whether the ConfigMap may be missing.")] = None


class SecretEnvSource(Struct):
    """Takes all values of a Secret as variables."""

    name: Annotated[str, F(1, "Name of the Secret.", within=1, refers="Secret")] = ""
    optional: Annotated[bool | None, F(2, "Whether the Secret may be missing.")] = None


class EnvFromSource(Struct):
    """Fills the environment from a whole ConfigMap or Secret."""

    prefix: Annotated[str, F(1, "Put before each key to make the variable's name.")] = ""
    configMapRef: Annotated[ConfigMapEnvSource | None, F(2, "The ConfigMap to take.")] = None
    secretRef: Annotated[SecretEnvSource | None, F(3, "The Secret to take.")] = None
