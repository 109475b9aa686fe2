"""What atheris runs for one feed: `python -m bench.fuzz_target <feed> <corpus folder> [options]`.

The first byte of an input chooses a topic of the golden messages, the rest is the payload.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ingest", "ioc.domain"]):
    from tests.unit import codec_fuzz

    codec_fuzz.shipped()  # codecs are plug-ins: they are imported when a feed is read
from tests.unit.codec_fuzz import Sample


def seed(feed: str, corpus: Path) -> list[str]:
    """Write the golden messages as inputs; return the topics in the order of the first byte."""
    samples = [sample for life in codec_fuzz.lives(feed) for sample in life]
    topics = sorted({sample.topic for sample in samples})[:256]
    for number, sample in enumerate(samples):
        if sample.topic in topics:
            content = bytes([topics.index(sample.topic)]) + sample.payload
            (corpus / f"golden-{number}").write_bytes(content)
    return topics


def main() -> None:
    """Fuzz until the options say stop; any error but a refusal is a finding."""
    feed, corpus, *options = sys.argv[1:]
    topics = seed(feed, Path(corpus))

    def one(data: bytes) -> None:
        if not data:
            return
        sample = Sample(topics[data[0] % len(topics)], data[1:])
        message = codec_fuzz.message(feed, sample)
        assert message is not None
        codec_fuzz.decode(codec, message)

    codec = codec_fuzz.fresh(feed)  # remembers, like the one of a running process
    atheris.Setup([sys.argv[0], corpus, *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
