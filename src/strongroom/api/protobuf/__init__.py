"""Kubernetes' protobuf form of objects, read and written by the declarations of the kinds."""

from strongroom.api.protobuf.decoding import decode_protobuf, read
from strongroom.api.protobuf.encoding import encode_message, has_message
from strongroom.api.protobuf.envelope import (
    MEDIA_TYPE,
    PREFIX,
    encode_protobuf,
    enveloped,
    enveloped_list,
    event_frame,
    first_field,
    item,
)
from strongroom.api.protobuf.wire import MalformedError

__all__ = [
    "MEDIA_TYPE",
    "PREFIX",
    "MalformedError",
    "decode_protobuf",
    "encode_message",
    "encode_protobuf",
    "enveloped",
    "enveloped_list",
    "event_frame",
    "first_field",
    "has_message",
    "item",
    "read",
]
