"""What is told of our session with the broker."""

from __future__ import annotations

from collections.abc import Iterator

from ingest import mqtt
from ioc.domain.instant import SECOND
from ioc.exposition import Family, one


def families(reader: mqtt.Reader, *, standing_by: bool) -> Iterator[Family]:
    """Yield how we stand with the broker."""
    connected = reader.connected_since is not None
    kept = connected and not reader.began_clean(reader.inbox.session)
    for name, words, value in (
        ("connected", "1 while connected to the broker.", connected),
        ("session_present", "1 while connected and the broker had kept our session.", kept),
        ("standing_by", "1 while another process with our client id is the one.", standing_by),
        ("waiting_messages", "Messages received and not yet taken up.", len(reader.inbox)),
    ):
        yield one(f"ioc_ingest_{name}", "gauge", words, value)
    if not standing_by:
        words = "Everything received before this instant is committed."
        name = "ioc_ingest_watermark_timestamp_seconds"
        yield one(name, "gauge", words, reader.inbox.watermark() / SECOND)
