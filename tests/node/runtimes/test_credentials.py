"""Which capabilities a container gets."""

from strongroom.node.runtimes.credentials import capabilities

_DEFAULT = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE",
    "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip


def test_the_default_is_a_container_engines() -> None:
    assert capabilities(add=[], drop=[], privileged=False) == _DEFAULT


def test_add_and_drop() -> None:
    assert capabilities(add=["NET_ADMIN"], drop=["KILL"], privileged=False) == (
        _DEFAULT - {"KILL"} | {"NET_ADMIN"}
    )
    assert capabilities(add=["KILL"], drop=["ALL"], privileged=False) == {"KILL"}
    assert capabilities(add=["NO_SUCH"], drop=[], privileged=False) == _DEFAULT


def test_all_and_privileged_are_everything() -> None:
    everything = capabilities(add=[], drop=["ALL"], privileged=True)
    assert capabilities(add=["ALL"], drop=[], privileged=False) == everything
    assert {"SYS_ADMIN", "MKNOD", "CHECKPOINT_RESTORE"} <= everything
    assert len(everything) == 41
