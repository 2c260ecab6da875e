"""Picks the transformer of a stored value by the prefix that the value begins with."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.storage.encryption.port import DecryptionFailed, Plain, Transformer


class PrefixTransformer:
    """Several (prefix, transformer) pairs: the first writes, all read.

    The empty prefix (identity) matches everything, so it reads what no pair before it claims.
    What another than the first pair reads is stale.
    """

    def __init__(self, transformers: Sequence[tuple[bytes, Transformer]]) -> None:
        if not transformers:
            raise ValueError("at least one transformer is needed, to write with")
        self._transformers = tuple(transformers)
        self._write_prefix, self._write = self._transformers[0]

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        return self._write_prefix + self._write.to_storage(value, context=context)

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        for number, (prefix, transformer) in enumerate(self._transformers):
            if value.startswith(prefix):
                plain = transformer.from_storage(value[len(prefix) :], context=context)
                return Plain(plain.value, stale=True) if number else plain
        raise DecryptionFailed("no provider matches the prefix of the stored value")
