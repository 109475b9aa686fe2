"""What a person reads: one alert, a digest of many, a test. Times are the centre's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from ioc.domain.alert import Kind, Severity
from ioc.domain.grouping import ALL, URGENT
from ioc.domain.instant import Micros, to_datetime
from ioc.domain.notification import Due, Facts, Form, Message
from ioc.domain.policy import CALLS
from ioc.text import Language, say, words
from ioc.text.numbers import vietnamese

# A digest of one group says its count first; who wants every line has the system. Critical calls
# are listed to the last one, however many: that is what their digest is for.
LINES: Final = 30
MOST_LINES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Wording:
    """How one target is spoken to."""

    language: Language
    zone: tzinfo
    centre: str  # the centre's name
    url: str  # as browsers see it, without a slash at the end; "" when nobody said

    def message(self, due: Due) -> Message:
        """Return what a due row says."""
        if due.exercise:
            return self.test(due.key, due.target, due.made_at)
        if due.group is None:
            return self._alert(due, due.facts[0])
        return self._digest(due)

    def test(self, key: str, target: str, now: Micros) -> Message:
        """Return a message that says that nothing happened, marked as an exercise."""
        mark = self._say("exercise")
        text = self._say("test_text", centre=self.centre, target=target)
        subject = f"{mark} {self._say('test_subject', target=target)}"
        return Message(
            key=key,
            form=Form.TEST,
            severity=Severity.LOW,
            subject=subject,
            text=f"{mark} {text}",
            short=f"{mark} {text}",
            facts=(),
            url=self.url,
            made_at=now,
        )

    # ------------------------------------------------------------ one alert

    def _alert(self, due: Due, facts: Facts) -> Message:
        url = f"{self.url}/alerts?alert={facts.alert}" if self.url else ""
        again = "" if facts.kind is Kind.RAISE else "_again"
        common = {
            "kind": self._kind(facts),
            "severity": self._severity(facts.severity),
            "rule": self._rule(facts),
            "place": facts.place,
        }
        at = self._time(facts.returned_at or facts.raised_at)
        value = self._value(facts, facts.result)
        return Message(
            key=due.key,
            form=Form.ALERT,
            severity=facts.severity,
            subject=_line(self._say(f"subject{again}", **common)),
            text="\n".join(self._lines(facts, url)),
            short=_line(self._say(f"short{again}", **common, value=value, time=at)),
            facts=(facts,),
            url=url,
            made_at=due.made_at,
            earlier=due.earlier,
        )

    def _lines(self, facts: Facts, url: str) -> Iterator[str]:
        yield self._rule(facts)
        yield ""
        if facts.kind is not Kind.RAISE:
            yield self._say("kind", kind=self._kind(facts))
        yield self._say("severity", severity=self._severity(facts.severity))
        yield self._say("place", place=self._place(facts))
        yield self._measured(facts)
        if facts.kind is not Kind.RAISE and facts.peak is not None and facts.state is None:
            yield self._say("peak", value=self._value(facts, facts.peak))
        if facts.legal_ref:
            yield self._say("legal", legal=facts.legal_ref)
        yield self._say("raised", time=self._time(facts.raised_at))
        yield from self._since(facts)
        action = facts.action_vi if self.language == "vi" else facts.action_en
        if action and facts.returned_at is None:
            yield ""
            yield self._say("action", action=action)
        if url:
            yield ""
            yield self._say("link", url=url)

    def _since(self, facts: Facts) -> Iterator[str]:
        """Yield what happened after the raise."""
        if facts.returned_at is not None:
            yield self._say("returned", time=self._time(facts.returned_at))
        if facts.assignee:
            yield self._say("assigned", to=facts.assignee)
        if facts.acked_by:
            yield self._say("acked", by=facts.acked_by)
        if facts.corrected:
            yield self._say("corrected")
        elif facts.late:
            yield self._say("late")

    def _measured(self, facts: Facts) -> str:
        name = facts.property_vi if self.language == "vi" else facts.property_en
        value = self._value(facts, facts.result)
        if facts.limit is None or facts.state is not None:
            return self._say("value_alone", property=name, value=value)
        limit = self._say(_side(facts.op), limit=self._value(facts, facts.limit))
        return self._say("value", property=name, value=value, limit=limit)

    # ------------------------------------------------------------ many

    def _digest(self, due: Due) -> Message:
        facts, group = due.facts, due.group
        n = len(facts)
        if group == URGENT:
            subject = self._say("digest_urgent", n=n)
        elif group == ALL:
            subject = self._say("digest_all", n=n)
        else:
            area = self._area(facts[0])
            subject = self._say("digest_group", n=n, rule=self._rule(facts[0]), area=area)
        severity = min(one.severity for one in facts)
        subject = _line(f"[{self._severity(severity)}] {subject}")
        url = f"{self.url}/alerts" if self.url else ""
        return Message(
            key=due.key,
            form=Form.DIGEST,
            severity=severity,
            subject=subject,
            text="\n".join(self._digest_lines(due, url)),
            short=subject,
            facts=facts,
            url=url,
            made_at=due.made_at,
        )

    def _digest_lines(self, due: Due, url: str) -> Iterator[str]:
        yield self._say("digest_why")
        yield ""
        for kind, n in Counter(self._kind(one) for one in due.facts).most_common():
            yield self._say("digest_counts", kind=kind, n=n)
        yield ""
        most = MOST_LINES if due.group == URGENT else LINES
        if due.group == ALL:
            yield from self._calls(due)
        yield from self._cut(self._parts(due), most)
        if url:
            yield ""
            yield self._say("link", url=url)

    def _calls(self, due: Due) -> Iterator[str]:
        """Yield each critical call of a digest of everything: a count would not do for those."""
        calls = [one for one in due.facts if _urgent(one)]
        if calls:
            for facts in sorted(calls, key=lambda one: (one.raised_at, one.key))[:MOST_LINES]:
                yield self._one_line(facts)
            yield ""

    def _parts(self, due: Due) -> list[str]:
        if due.group == ALL:
            quiet = [one for one in due.facts if not _urgent(one)]
            areas = Counter((self._area(one), self._rule(one)) for one in quiet)
            return [
                self._say("digest_area", area=area, rule=rule, n=n)
                for (area, rule), n in areas.most_common()
            ]
        in_time = sorted(due.facts, key=lambda one: (one.raised_at, one.key))
        lines = [self._one_line(one) for one in in_time]
        if len(lines) > 1 and in_time[0].kind is Kind.RAISE:
            lines[0] = self._say("digest_first", line=lines[0])
        return lines

    def _one_line(self, facts: Facts) -> str:
        return _line(
            self._say(
                "digest_line",
                time=self._time(facts.raised_at),
                severity=self._severity(facts.severity),
                place=self._place(facts),
                rule=self._rule(facts),
                value=self._value(facts, facts.result),
                kind=self._kind(facts),
            )
        )

    def _cut(self, lines: list[str], most: int) -> Iterable[str]:
        if len(lines) <= most:
            return lines
        return [*lines[:most], self._say("digest_more", n=len(lines) - most)]

    # ------------------------------------------------------------ words

    def _say(self, key: str, **values: object) -> str:
        return say(f"notify.{key}", self.language, **values)

    def _severity(self, severity: Severity) -> str:
        return say(f"severity.{int(severity)}", self.language)

    def _kind(self, facts: Facts) -> str:
        return say(f"alert.kind.{facts.kind}", self.language)

    def _rule(self, facts: Facts) -> str:
        return facts.rule_vi if self.language == "vi" else facts.rule_en

    def _area(self, facts: Facts) -> str:
        return facts.commune_name or self._say("no_area")

    def _place(self, facts: Facts) -> str:
        if facts.commune_name is None:
            return facts.thing
        return f"{facts.thing}, {facts.commune_name}"

    def _value(self, facts: Facts, value: float) -> str:
        if facts.state is not None:
            return words(self.language).get(f"state.{facts.state}", facts.state)
        decimals = facts.decimals
        number = vietnamese(value, decimals)
        if self.language == "en":
            number = f"{value:,.{decimals}f}"
        return f"{number} {facts.unit}".rstrip()

    def _time(self, instant: Micros) -> str:
        return to_datetime(instant).astimezone(self.zone).strftime("%d/%m/%Y %H:%M")


def _urgent(facts: Facts) -> bool:
    return facts.severity is Severity.CRITICAL and facts.kind in CALLS


def _side(op: str) -> str:
    if op in {"<", "<="}:
        return "limit_low"
    return "limit_high" if op in {">", ">="} else "limit_band"


def _line(text: str) -> str:
    """Return a text as one line: names come from devices, and a header ends at a line break."""
    return " ".join(text.split())
