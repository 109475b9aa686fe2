"""Golden payloads: tests/golden/<feed>/<name>.json, decoded with the shipped feeds.

A file is one message or {"messages": [...]} of one codec's life. A message has `topic`, one of
`text`, `hex`, `payload_b64`, optionally `received`, `retain`, `note`, and `expect`: partial
outcomes, each found in this order; further observations are allowed, further refusals are not.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from math import isclose
from pathlib import Path
from typing import Any, Final

import pytest

from ingest import feeds
from ingest.decode import _instant
from ingest.decoding import Explainer, Input
from ioc import catalogue
from ioc.domain.instant import Micros

ROOT: Final = Path(__file__).resolve().parents[2]
GOLDEN: Final = ROOT / "tests" / "golden"
NOW: Final = Micros(1_795_311_000_000_000)  # 2026-11-22T01:30:00Z, where no `received` stands
FILES: Final = sorted(GOLDEN.glob("*/*.json"))


def payload(message: dict[str, Any]) -> bytes:
    """Return the bytes of a golden message."""
    if "text" in message:
        return str(message["text"]).encode()
    if "hex" in message:
        return bytes.fromhex(message["hex"])
    return b64decode(message["payload_b64"])


def same(want: Any, have: Any) -> bool:
    """Compare one value: numbers to 1e-9 relative, times as instants."""
    if isinstance(want, bool) or isinstance(have, bool) or want is None or have is None:
        return want is have
    if isinstance(want, (int, float)) and isinstance(have, (int, float)):
        return isclose(want, have, rel_tol=1e-9)
    if isinstance(want, str) and isinstance(have, str) and want[4:5] == "-" and "T" in want:
        try:
            return datetime.fromisoformat(want) == datetime.fromisoformat(have)
        except ValueError:
            return want == have
    return bool(want == have)


def matches(want: dict[str, Any], have: dict[str, Any]) -> bool:
    """Say whether an outcome has every key that is expected of it."""
    return all(k == "note" or (k in have and same(v, have[k])) for k, v in want.items())


def misses(expected: Sequence[dict[str, Any]], told: Sequence[dict[str, Any]]) -> str:
    """Return what differs, "" where nothing does."""
    left = iter(told)
    for want in expected:
        if not any(matches(want, have) for have in left):
            return f"not found, or not in this order: {want}"
    refusals = [one for one in told if one["kind"] == "refused"]
    wanted = sum(want["kind"] == "refused" for want in expected)
    return f"unexpected refusals: {refusals}" if len(refusals) > wanted else ""


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_golden(path: Path) -> None:
    """Each outcome that the file names comes out, in its order, and nothing else is refused."""
    sources = feeds.load(ROOT / "config" / "feeds", examples=True)
    explainer = Explainer(sources, catalogue.load(ROOT / "config" / "catalog"), NOW)
    document = json.loads(path.read_text(encoding="utf-8"))
    for message in document.get("messages", [document]):
        told = list(
            explainer.explain(
                Input(
                    message["topic"],
                    payload(message),
                    _instant(message.get("received")),
                    bool(message.get("retain")),
                    message.get("feed", path.parent.name),
                )
            )
        )
        assert not misses(message["expect"], told), f"{message.get('note', '')}\n{told}"
