"""Empty messages, which measure nothing: by them a broker is told to forget a retained one."""

from __future__ import annotations

from ingest.codec import EMPTY, Decode, Decoding, Message


def unless_deleted(decode: Decode) -> Decode:
    """Return a decoder that passes over deletions; any other empty message reaches `decode`."""

    def decoded(message: Message) -> Decoding:
        if message.retain and not message.payload:
            return Decoding([EMPTY])
        return decode(message)

    return decoded


def unless_empty(decode: Decode) -> Decode:
    """Return a decoder that passes over every empty message.

    For formats whose retained messages are deleted by devices that are there: a broker hands the
    deletion to whoever listens without the retain flag.
    """

    def decoded(message: Message) -> Decoding:
        return decode(message) if message.payload else Decoding([EMPTY])

    return decoded
