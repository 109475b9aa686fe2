"""The brief in words: one sentence for the whole province, one line for an alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ioc.domain.brief import Worst
from ioc.text import say, words
from ioc.text.numbers import vietnamese

NBSP: Final = "\u00a0"
Said = tuple[str, bool]  # words, and whether they stand out
_NAMED: Final = 2  # critical ones by name; of the others their number
_COUNTED: Final = 10  # written as words up to here


def sentence(levels: Mapping[int, tuple[int, int]], places: Sequence[str]) -> list[Said]:
    """Return the province's state: critical by name, then high, then what nobody took.

    `levels` is (open, unanswered) by severity; `places` name the critical ones, the worst first.
    Nothing reassures while anything is open.
    """
    critical, high = levels.get(1, (0, 0)), levels.get(2, (0, 0))
    if not any(count for count, _ in levels.values()):
        return [(say("brief.sentence.nothing"), False)]
    said: list[Said] = []
    if critical[0]:
        said = [(_capital(say("brief.sentence.critical", n=_count(critical[0]))) + ": ", False)]
        said += [*_names(places[:_NAMED], critical[0]), (". ", False)]
    lower = sum(count for severity, (count, _) in levels.items() if severity > 2)  # noqa: PLR2004
    rest = []
    if high[0]:
        rest = [say("brief.sentence.high", n=_count(high[0]))]
        rest += [say("brief.sentence.unanswered", n=_count(high[1]))] if high[1] else []
    elif not critical[0]:
        rest = [say("brief.sentence.only_lower", n=_count(lower))]
    return [*said, (_capital(", ".join(rest)) + ".", False)] if rest else said


def _names(places: Sequence[str], count: int) -> list[Said]:
    more = count - len(places)
    found: list[Said] = []
    for index, place in enumerate(places):
        joint = "" if not index else (say("brief.sentence.and") if not more else ", ")
        found += [(joint, False)] if joint else []
        found.append((place, True))
    if more > 0:
        found.append((say("brief.sentence.and_more", n=_count(more)), False))
    return found


def _count(number: int) -> str:
    return say(f"brief.number.{number}") if number <= _COUNTED else vietnamese(number, 0)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def value(
    number: float | None, unit: str, decimals: int, states: Mapping[str, int] | None = None
) -> str:
    """Return a value with its unit, a category's as its word; a dash where there is none."""
    if number is None:
        return "–"
    if states is not None:
        names = {code: name for name, code in states.items()}
        name = names.get(round(number), "")
        return words("vi").get(f"state.{name}", name or f"{number:g}")
    return vietnamese(number, decimals) + (NBSP + unit if unit else "")


def limit(number: float | None, op: str | None, unit: str, decimals: int) -> str:
    """Return a limit in words; "" where there is none."""
    if number is None:
        return ""
    said = value(number, unit, 0 if number == round(number) else decimals)
    key = "wall.limit_low" if (op or ">").startswith("<") else "wall.limit_high"
    return say(key, limit=said)


def difference(now: int, before: int | None) -> str:
    """Return how a count stands against the day before; "" where nobody watched then."""
    if before is None:
        return ""
    if now == before:
        return say("brief.same")
    return say("brief.change", n=f"{'+' if now > before else chr(0x2212)}{abs(now - before)}")


def detail(row: Worst) -> str:
    """Return what was measured against what: the line below the place."""
    if row.stale:
        return say("brief.stale", name=row.name)
    if row.states is not None:
        return row.name
    measured = value(row.result, row.unit, row.decimals)
    bound = limit(row.limit, row.op, row.unit, row.decimals)
    return f"{row.property} {measured}" + (f", {bound}" if bound else "")
