"""Names that come from devices: what can be stored and shown, whoever read them.

Codecs keep these limits; the store checks them once more for each new name, since a codec may be a
stranger's plug-in and one name that the database refuses must not hold up the others.
"""

from __future__ import annotations

from typing import Final

from ioc.domain.intake import Key

MAX_THING: Final = 200
# Two names and what joins them. Thing, path and unit are one index row, of at most 2,704 bytes:
# four bytes a character and a unit still fit.
MAX_DATASTREAM: Final = 420
MAX_UNIT: Final = 40
MAX_SHOWN: Final = 80


def unfit(key: Key) -> str | None:
    """Return why the names of a key cannot be stored, as a refusal's code; None when they can."""
    _, thing, datastream, unit = key
    if not _fits(thing, MAX_THING):
        return "bad_thing"
    named = not datastream or _fits(datastream, MAX_DATASTREAM)  # SenML: the thing's own value
    return None if named and (not unit or _fits(unit, MAX_UNIT)) else "bad_name"


def label(text: str | None) -> str | None:
    """Return a name for people, mended: cut, without what cannot be printed; None for none."""
    mended = "".join(c for c in (text or "")[:MAX_THING] if c.isprintable()).strip()
    return mended or None


def shown(text: str) -> str:
    """Return a device's text as a refusal carries it: short and printable."""
    cut = text[:MAX_SHOWN]
    return cut if cut.isprintable() else ascii(cut)


def _fits(name: str, most: int) -> bool:
    return 0 < len(name) <= most and name.isprintable()
