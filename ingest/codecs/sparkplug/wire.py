"""The payload of Sparkplug B on the wire, on protobuf's own runtime and without generated code.

The schema is the specification's (3.0, chapter 6.4), as far as a host has to look: DataSet,
Template, MetaData and extensions are kept as bytes, so that nothing in them is ever unfolded.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final, Literal, Protocol, cast

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros

# A birth names every metric of a gateway once; beyond this one message would fill a whole
# transaction (ingest.batch_cap).
MAX_METRICS: Final = 10_000
REBIRTH: Final = "Node Control/Rebirth"


class DataType(IntEnum):
    """Indexes of data types (6.4.16); above Template: property sets and arrays."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    DATASET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19


ValueField = Literal[
    "int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value",
    "bytes_value", "dataset_value", "template_value", "extension_value",
]  # fmt: skip


class PropertyValue(Protocol):
    is_null: bool

    def WhichOneof(self, name: str) -> str | None: ...  # noqa: N802  protobuf's name


class PropertySet(Protocol):
    keys: Sequence[str | bytes]
    values: Sequence[PropertyValue]


class Metric(Protocol):
    """One metric; a text that is no UTF-8 is handed over as bytes."""

    name: str | bytes
    alias: int
    timestamp: int
    datatype: int
    is_historical: bool
    is_transient: bool
    is_null: bool
    properties: PropertySet

    def HasField(self, name: str) -> bool: ...  # noqa: N802  protobuf's name
    def WhichOneof(self, name: str) -> ValueField | None: ...  # noqa: N802


class Payload(Protocol):
    timestamp: int
    metrics: Sequence[Metric]
    seq: int

    def HasField(self, name: str) -> bool: ...  # noqa: N802  protobuf's name


_F: Final = FieldDescriptorProto
_TYPES: Final[dict[str, Any]] = {
    "bool": _F.TYPE_BOOL,
    "bytes": _F.TYPE_BYTES,
    "double": _F.TYPE_DOUBLE,
    "float": _F.TYPE_FLOAT,
    "string": _F.TYPE_STRING,
    "uint32": _F.TYPE_UINT32,
    "uint64": _F.TYPE_UINT64,
}
_PACKAGE: Final = "ioc.sparkplug"
# One field a line: number, label, type, name. `oneof` is proto2's `oneof value { … }`.
_SCHEMA: Final = {
    "Payload": """
        1  optional uint64 timestamp
        2  repeated Metric metrics
        3  optional uint64 seq
        4  optional string uuid
        5  optional bytes  body
    """,
    "Metric": """
        1  optional string name
        2  optional uint64 alias
        3  optional uint64 timestamp
        4  optional uint32 datatype
        5  optional bool   is_historical
        6  optional bool   is_transient
        7  optional bool   is_null
        8  optional bytes  metadata
        9  optional PropertySet properties
        10 oneof    uint32 int_value
        11 oneof    uint64 long_value
        12 oneof    float  float_value
        13 oneof    double double_value
        14 oneof    bool   boolean_value
        15 oneof    string string_value
        16 oneof    bytes  bytes_value
        17 oneof    bytes  dataset_value
        18 oneof    bytes  template_value
        19 oneof    bytes  extension_value
    """,
    "PropertySet": """
        1  repeated string keys
        2  repeated PropertyValue values
    """,
    "PropertyValue": """
        1  optional uint32 type
        2  optional bool   is_null
        3  oneof    uint32 int_value
        4  oneof    uint64 long_value
        5  oneof    float  float_value
        6  oneof    double double_value
        7  oneof    bool   boolean_value
        8  oneof    string string_value
        9  oneof    bytes  propertyset_value
        10 oneof    bytes  propertysets_value
        11 oneof    bytes  extension_value
    """,
}


def _payload_class() -> Any:  # noqa: ANN401  protobuf has no types here
    file = FileDescriptorProto(name="sparkplug_b.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for line in fields.strip().splitlines():
            number, label, kind, field_name = line.split()
            field = message.field.add(name=field_name, number=int(number))
            field.label = _F.LABEL_REPEATED if label == "repeated" else _F.LABEL_OPTIONAL
            if kind in _TYPES:
                field.type = _TYPES[kind]
            else:
                field.type, field.type_name = _F.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            if label == "oneof":
                if not message.oneof_decl:
                    message.oneof_decl.add(name="value")
                field.oneof_index = 0
    pool = DescriptorPool()  # our own: another package may bring the same schema
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


_Payload: Final = _payload_class()


def parse(data: bytes) -> Payload:
    """Parse a payload; PayloadError bad_protobuf, not_of_format, too_many_records."""
    try:
        payload = cast("Payload", _Payload.FromString(data))
    except DecodeError as error:
        raise PayloadError("bad_protobuf", f"{len(data)} bytes") from error
    count = len(payload.metrics)
    if count > MAX_METRICS:
        raise PayloadError("too_many_records", str(count))
    if not count and not payload.HasField("timestamp") and not payload.HasField("seq"):
        raise PayloadError("not_of_format", "neither time, sequence number nor metric")
    return payload


def rebirth_request(now: Micros) -> bytes:
    """Return the payload of an NCMD that asks a node for its births; it carries no seq."""
    payload = _Payload(timestamp=now // 1000)
    payload.metrics.add(
        name=REBIRTH, timestamp=now // 1000, datatype=DataType.BOOLEAN, boolean_value=True
    )
    request: bytes = payload.SerializeToString()
    return request
