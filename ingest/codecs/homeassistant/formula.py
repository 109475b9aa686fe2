"""The templates that compute: plain arithmetic on one value, as Home Assistant would do it.

`{{ value_json.t | float / 10 }}`, `{{ (value_json.raw * 0.1) | round(2) }}`: numbers, one path, the
signs + - * /, brackets, and the filters float, int and round. As in Jinja a filter binds closer
than a sign. Everything else, and a formula of two values, is refused: a language that can loop has
no place in a decoder. `value` is a text until float or int make it a number, as it is there.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, NamedTuple

from ingest.reading import json_values, paths
from ioc.domain.errors import PayloadError

_DEEPEST: Final = 16  # brackets and signs within each other; the deepest seen are three
_MOST_DIGITS: Final = 12  # of `round`
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<text>'[^'\]]+'|"[^"\]]+")"""
    r"|(?P<sign>[-+*/|().,=\[\]]))"
)
_WHOLE: Final = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)


class Step(NamedTuple):
    """One node: `what` is "number", "value", a filter or a sign; `of` its operands."""

    what: str
    of: tuple[Step, ...] = ()
    number: float = 0.0


@dataclass(frozen=True, slots=True)
class Formula:
    """What becomes of the value at `path` (None: of the whole payload, a text)."""

    path: tuple[str, ...] | None
    root: Step

    def of(self, value: Any) -> float:  # noqa: ANN401  JSON
        """Return the result. PayloadError bad_value where the template would fail or overflow."""
        try:
            result = float(_number(_run(self.root, value)))
        except (ZeroDivisionError, OverflowError, ValueError) as error:
            raise PayloadError("bad_value", paths.shown(value)) from error
        if not isfinite(result):
            raise PayloadError("bad_value", paths.shown(value))
        return result


def read(template: str) -> Formula | None:
    """Return the formula of a template; None for what is none."""
    whole = _WHOLE.fullmatch(template)
    if whole is None:
        return None
    try:
        reader = _Reader(list(_tokens(whole[1])))
        root = reader.sum(0)
    except (ValueError, IndexError):
        return None
    if reader.left or reader.path is None:
        return None
    return Formula(reader.path or None, root)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, text). Raises ValueError for what no formula holds."""
    at, text = 0, text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise ValueError(text)
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


class _Reader:
    """Recursive descent; ValueError or IndexError for what is no formula."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.left = tokens
        self.path: tuple[str, ...] | None = None  # () for `value`

    def sum(self, depth: int) -> Step:
        found = self._product(depth)
        while self._sees("+", "-"):
            found = Step(self._take("sign"), (found, self._product(depth)))
        return found

    def _product(self, depth: int) -> Step:
        found = self._filtered(depth)
        while self._sees("*", "/"):
            found = Step(self._take("sign"), (found, self._filtered(depth)))
        return found

    def _filtered(self, depth: int) -> Step:
        if depth > _DEEPEST:
            raise ValueError("too deep")
        found = self._operand(depth + 1)
        while self._sees("|"):
            self._take("sign")
            found = self._filter(self._take("name"), found)
        return found

    def _operand(self, depth: int) -> Step:
        kind, text = self.left[0]
        if kind == "number":
            return Step("number", number=float(self._take("number")))
        if kind == "name":
            return self._value()
        if self._sees("-"):
            self._take("sign")
            return Step("-", (Step("number"), self._filtered(depth)))
        if text != "(":
            raise ValueError(text)
        self._take("sign")
        found = self.sum(depth)
        self._expect(")")
        return found

    def _value(self) -> Step:
        name = self._take("name")
        if name not in ("value", "value_json"):
            raise ValueError(name)
        keys = tuple(self._keys()) if name == "value_json" else ()
        if (name == "value_json" and not keys) or self.path not in (None, keys):
            raise ValueError("a formula has one value")
        self.path = keys
        return Step("value")

    def _keys(self) -> Iterator[str]:
        while self._sees(".", "["):
            if self._take("sign") == ".":
                yield self._take("name")
                continue
            kind = self.left[0][0]
            if kind not in ("text", "number"):
                raise ValueError(kind)
            text = self._take(kind)
            if kind == "number" and not text.isdigit():
                raise ValueError(text)
            yield text.strip("'\"")
            self._expect("]")

    def _filter(self, name: str, of: Step) -> Step:
        given = self._given()
        match name:
            case "float" | "int":  # a default is not made up where nothing was sent
                return Step(name, (of,))
            case "round" if 0 <= given <= _MOST_DIGITS and given == int(given):
                return Step(name, (of,), given)
        raise ValueError(name)

    def _given(self) -> float:
        """Read what a filter may be given: one number, and a default that is never used."""
        found = 0.0
        if not self._sees("("):
            return found
        self._take("sign")
        while not self._sees(")"):
            name = self._take("name") if self.left[0][0] == "name" else ""
            if name:
                self._expect("=")
            number = float(self._take("number"))
            if name != "default":
                found = number
            if self._sees(","):
                self._take("sign")
        self._expect(")")
        return found

    def _sees(self, *signs: str) -> bool:
        return bool(self.left) and self.left[0][0] == "sign" and self.left[0][1] in signs

    def _take(self, kind: str) -> str:
        found, text = self.left.pop(0)
        if found != kind:
            raise ValueError(text)
        return text

    def _expect(self, sign: str) -> None:
        if self._take("sign") != sign:
            raise ValueError(sign)


_SIGNS: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


def _run(step: Step, value: Any) -> Any:  # noqa: ANN401  a text stays one until a filter reads it
    match step.what:
        case "value":
            return value
        case "number":
            return step.number
        case "float" | "int":
            read_as = float if step.what == "float" else int
            return read_as(json_values.read(_run(step.of[0], value), None))
        case "round":
            return round(_number(_run(step.of[0], value)), int(step.number))
    left, right = (_number(_run(one, value)) for one in step.of)
    return _SIGNS[step.what](left, right)


def _number(value: Any) -> float:  # noqa: ANN401  JSON
    """Return an operand; a text that no filter made a number is none, as in Home Assistant."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PayloadError("bad_value", paths.shown(value))
    return value
