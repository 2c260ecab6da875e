"""Picks the transformer of a stored value by the prefix that the value begins with."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.storage.encryption.port import DecryptionFailed, EncryptionError, Plain, Transformer
from strongroom.storage.encryption.stored import look


class PrefixTransformer:
    """Several (prefix, transformer) pairs: the first writes, all read.

    The empty prefix (identity) matches everything, so it reads what no pair before it claims.
    What another than the first pair reads is stale. As upstream (``storage/value/transformer.go``),
    one that fails does not keep the next with the same prefix from trying: a provider may be named
    twice, with the new key and with the old one.
    """

    def __init__(self, transformers: Sequence[tuple[bytes, Transformer]]) -> None:
        if not transformers:
            raise ValueError("at least one transformer is needed, to write with")
        self._transformers = tuple(transformers)
        self._write_prefix, self._write = self._transformers[0]
        self._quick = all(transformer.quick for _, transformer in self._transformers)

    @property
    def quick(self) -> bool:
        return self._quick

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        return self._write_prefix + self._write.to_storage(value, context=context)

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        failure: EncryptionError | None = None
        for number, (prefix, transformer) in enumerate(self._transformers):
            if not value.startswith(prefix):
                continue
            try:
                plain = transformer.from_storage(value[len(prefix) :], context=context)
            except EncryptionError as error:
                # What identity has against a value is said below, with more in it.
                failure = error if prefix else failure
                continue
            return Plain(plain.value, stale=True) if number else plain
        if failure is not None:
            raise failure
        raise DecryptionFailed(f"stored with {look(value)}, of which no provider is configured")

    def asks_to_read(self, value: bytes, *, context: bytes) -> bool:
        return not self._quick and any(
            transformer.asks_to_read(value[len(prefix) :], context=context)
            for prefix, transformer in self._transformers
            if value.startswith(prefix)
        )

    def asks_to_write(self, *, context: bytes) -> bool:
        return self._write.asks_to_write(context=context)
