"""What a container is told of its mounts, and what nobody is told of them."""

from pathlib import Path

import pytest

from strongroom.node.container_spec import mount_of
from strongroom.node.environment import ConfigError
from strongroom.node.volumes.manager import Mounted
from strongroom.resources.pod_container import Container, VolumeMount

_VOLUMES = {"v": Mounted(Path("/volume"), read_only=False)}
_CONTAINER = Container(name="c")


def test_a_sub_path_is_made_of_variables() -> None:
    mount = VolumeMount(name="v", mountPath="/x", subPathExpr="of/$(NAME)")
    made = mount_of(_CONTAINER, mount, {"NAME": "me"}, _VOLUMES)
    assert (made.target, made.sub_path) == ("/x", "of/me")


@pytest.mark.parametrize("value", ["../hunter2", "/hunter2"])
def test_a_refused_sub_path_does_not_tell_what_the_variable_held(value: str) -> None:
    mount = VolumeMount(name="v", mountPath="/x", subPathExpr="$(PASSWORD)")
    with pytest.raises(ConfigError) as caught:
        mount_of(_CONTAINER, mount, {"PASSWORD": value}, _VOLUMES)
    assert "hunter2" not in str(caught.value)
    assert "$(PASSWORD)" in str(caught.value)
