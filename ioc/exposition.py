"""Numbers for Prometheus: families of samples, and its text format 0.0.4.

A process that has no page of its own leaves its families in Redis, for another to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Kind = Literal["counter", "gauge", "histogram"]
Labels = Mapping[str, str]


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One number; `suffix` is of a histogram's parts: _bucket, _sum, _count."""

    value: float
    labels: dict[str, str] = {}
    suffix: str = ""


class Family(msgspec.Struct, frozen=True, array_like=True):
    """What one name stands for; a counter's name ends in `_total`, a unit is part of the name."""

    name: str
    kind: Kind
    help: str
    samples: list[Sample]


class Report(msgspec.Struct, frozen=True, array_like=True):
    """What a process said of itself at an instant, µs."""

    at: int
    families: list[Family]


def one(name: str, kind: Kind, words: str, value: float) -> Family:
    """Return a family of one sample without labels."""
    return Family(name, kind, words, [Sample(+value)])  # +: a bool would be JSON's true


def histogram(
    name: str,
    words: str,
    edges: Sequence[float],
    series: Iterable[tuple[Labels, Sequence[int], float]],
) -> Family:
    """Return a histogram; a series is its labels, the counts between the edges, and the sum.

    There is one count more than edges: of what lies above the last.
    """
    samples: list[Sample] = []
    for labels, counts, total in series:
        so_far = 0
        for edge, count in zip([*map(str, edges), "+Inf"], counts, strict=True):
            so_far += count
            samples.append(Sample(so_far, {**labels, "le": edge}, "_bucket"))
        samples.append(Sample(total, dict(labels), "_sum"))
        samples.append(Sample(so_far, dict(labels), "_count"))
    return Family(name, "histogram", words, samples)


def labelled(family: Family, label: str, value: str) -> Family:
    """Return the family with one label more on each sample."""
    samples = [Sample(s.value, {label: value, **s.labels}, s.suffix) for s in family.samples]
    return Family(family.name, family.kind, family.help, samples)


def pack(report: Report) -> bytes:
    """Encode a report for `unpack`."""
    return msgspec.json.encode(report)


def unpack(packed: bytes) -> Report | None:
    """Decode a report; None when it is of another version of ours."""
    try:
        return msgspec.json.decode(packed, type=Report)
    except msgspec.MsgspecError:
        return None


def text(families: Iterable[Family]) -> str:
    """Return the exposition; families of one name stand together, under one HELP and TYPE line."""
    named: dict[str, list[Family]] = {}
    for family in families:
        named.setdefault(family.name, []).append(family)
    return "".join(line for together in named.values() for line in _lines(together))


def _lines(together: Sequence[Family]) -> Iterator[str]:
    first = together[0]
    yield f"# HELP {first.name} {first.help}\n"
    yield f"# TYPE {first.name} {first.kind}\n"
    for family in together:
        for sample in family.samples:
            labels = ",".join(f'{name}="{_escaped(v)}"' for name, v in sample.labels.items())
            braces = f"{{{labels}}}" if labels else ""
            yield f"{first.name}{sample.suffix}{braces} {_number(sample.value)}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """Return every digit: a counter that is rounded stands still, then jumps."""
    return str(int(value)) if float(value).is_integer() else repr(value)
