"""What the page of feeds makes of ingest's own report, and of a payload."""

from __future__ import annotations

from typing import Final

from ioc.domain.instant import SECOND, Micros
from ioc.exposition import Family, Report, Sample, histogram, one
from ioc.web import ingest_report
from ioc.web.feed_desk import excerpt, reason

NOW: Final = Micros(1_795_311_000_000_000)


def report(received: float, *, at: Micros = NOW, connected: float = 1) -> Report:
    lags = histogram(
        "ioc_ingest_lag_seconds", "", (0.25, 1.0), [({"feed": "air"}, [90, 6, 4], 20.0)]
    )
    counted = [
        Family(f"ioc_ingest_{name}_total", "counter", "", [Sample(received, {"feed": "air"})])
        for name in ("received", "committed")
    ]
    reasons = [Sample(2, {"feed": "air", "reason": reason}) for reason in ("bad_json", "empty")]
    refused = Family("ioc_ingest_refused_total", "counter", "", reasons)
    line = one("ioc_ingest_connected", "gauge", "", connected)
    return Report(at, [*counted, refused, line, lags])


def test_reports_of_several_processes_add_up() -> None:
    """Numbers of a feed are of all that report; nineteen of twenty values decide its lag."""
    found = ingest_report.read({"a": report(5), "b": report(7, connected=0)}, NOW)
    assert (found.reporting, found.connected) == (True, True)
    air = found.feeds["air"]
    assert (air.received, air.committed, air.refused) == (12, 12, 8)
    assert (air.lag_s, air.measured) == (1.0, 200)


def test_an_old_report_is_of_a_process_that_is_gone() -> None:
    """Nothing is said of a feed by a process that fell silent."""
    found = ingest_report.read({"a": report(5, at=Micros(NOW - 60 * SECOND))}, NOW)
    assert (found.reporting, found.feeds) == (False, {})


def test_a_payload_is_one_line_of_text() -> None:
    """What is no text stands as dots, and a cut payload says so."""
    assert excerpt(b'{"a":\n1}', 8) == '{"a":·1}'
    assert excerpt(b"\xff\x00ok", 4) == "··ok"
    assert excerpt(b"x" * 400, 9000) == "x" * 240 + "…"


def test_a_reason_without_words_stands_for_itself() -> None:
    """A code of a newer version is shown, not an empty cell."""
    assert reason("a_newer_one") == "a_newer_one"
    assert reason("bad_json").startswith("Nội dung")
