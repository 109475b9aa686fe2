"""Which feed a topic belongs to, and what to subscribe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest import topics
from ioc.domain.errors import ConfigError
from tests.unit.codec_feeds import many

WORDS = ("a", "b", "c")
levels = st.lists(st.sampled_from((*WORDS, "{}")), min_size=1, max_size=4)
seen = st.lists(st.sampled_from((*WORDS, "x")), min_size=1, max_size=5).map("/".join)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Return a pattern of a few words, so that many overlap."""
    parts = [f"{{n{i}}}" if w == "{}" else w for i, w in enumerate(draw(levels))]
    if draw(st.booleans()):
        parts[-1] = "{rest*}"
    return "/".join(parts)


def naive(pattern: str, topic: str) -> dict[str, str] | None:
    """Match one level after the other: what the router must agree with."""
    found: dict[str, str] = {}
    want, have = pattern.split("/"), topic.split("/")
    for position, level in enumerate(want):
        if position >= len(have):
            return None
        if level.endswith("*}"):
            found[level[1:-2]] = "/".join(have[position:])
            return found
        if level.startswith("{"):
            found[level[1:-1]] = have[position]
        elif level != have[position]:
            return None
    return found if len(want) == len(have) else None


def better(one: str, other: str) -> bool:
    """Say in words what wins: more literal levels, no open end, literal first from the left."""
    literal = [[not w.startswith("{") for w in p.split("/")] for p in (one, other)]
    if sum(literal[0]) != sum(literal[1]):
        return sum(literal[0]) > sum(literal[1])
    closed = [not p.endswith("*}") for p in (one, other)]
    return closed[0] > closed[1] if closed[0] != closed[1] else literal[0] > literal[1]


def router(feeds: Mapping[str, Sequence[str]]) -> topics.Router:
    return topics.Router({n: [topics.parse(p) for p in texts] for n, texts in feeds.items()})


def refusal(feeds: Mapping[str, Sequence[str]]) -> str | None:
    try:
        router(feeds)
    except ConfigError as error:
        return str(error)
    return None


@many
@given(st.lists(patterns(), min_size=1, max_size=6, unique=True), st.lists(seen, max_size=12))
def test_the_router_is_the_naive_matcher(texts: list[str], names: list[str]) -> None:
    """Of all patterns that match a topic the most literal one gets it, with its parts; twice."""
    assume(refusal({text: [text] for text in texts}) is None)
    route = router({text: [text] for text in texts})
    for name in names * 2:
        matching = [text for text in texts if naive(text, name) is not None]
        found = route.match(name)
        if not matching:
            assert found is None
            continue
        (best,) = [m for m in matching if all(m == o or better(m, o) for o in matching)]
        assert found is not None
        assert (found.feed, dict(found.parts)) == (best, naive(best, name))


@many
@given(patterns(), patterns(), st.lists(seen, max_size=40))
def test_a_tie_is_refused_and_nothing_else(one: str, other: str, names: list[str]) -> None:
    """Two patterns are refused exactly when one topic could belong to both."""
    equal = not better(one, other) and not better(other, one)
    refused = refusal({"first": [one], "second": [other]})
    if refused is not None:
        assert equal
        assert "feeds first and second" in refused
        assert "make one more literal" in refused
    else:
        both = [n for n in names if naive(one, n) is not None and naive(other, n) is not None]
        assert not (equal and both)


def test_left_literal_wins_of_equals() -> None:
    """Somebody's own tree beats a pattern that reaches into everybody's."""
    route = router({"ul": ["{key}/{device}/attrs"], "tele": ["telegraf/{host}/{name}"]})
    found = [route.match(t) for t in ("telegraf/h/attrs", "key/h/attrs", "telegraf/h/cpu")]
    assert [f.feed for f in found if f] == ["tele", "ul", "tele"]


def test_a_slash_in_front_is_another_topic() -> None:
    """Some gateways' default topics have one; it is a level of its own, empty."""
    route = router({"with": ["/neuron/{node*}"], "without": ["neuron/{node*}"]})
    found = [route.match(t) for t in ("/neuron/m/g", "neuron/m/g", "//neuron/m")]
    assert [f and (f.feed, f.parts["node"]) for f in found] == [
        ("with", "m/g"),
        ("without", "m/g"),
        None,
    ]
    assert topics.subscriptions([topics.parse("/neuron/{node*}")]) == ["/neuron/#"]


def test_equal_patterns_tie() -> None:
    """The same levels under other names are the same pattern."""
    with pytest.raises(ConfigError, match="neither is more literal"):
        router({"one": ["a/{x}/b"], "two": ["a/{y}/b"]})


def filters_match(filter_: str, topic: str) -> bool:
    """Match as MQTT says (4.7): "#" takes the parent level too."""
    want, have = filter_.split("/"), topic.split("/")
    if have[0].startswith("$") and want[0] in ("+", "#"):
        return False
    for position, level in enumerate(want):
        if level == "#":
            return True
        if position >= len(have) or level not in ("+", have[position]):
            return False
    return len(want) == len(have)


every = ["/".join(parts) for size in (1, 2, 3) for parts in product((*WORDS, "x"), repeat=size)]


@many
@given(st.lists(patterns(), max_size=6), st.lists(seen, max_size=20))
def test_subscriptions_lose_nothing_and_do_not_overlap_wholly(
    texts: list[str], names: list[str]
) -> None:
    """What a pattern matches is subscribed; no filter's topics are all another's too."""
    filters = topics.subscriptions(topics.parse(text) for text in texts)
    for name in [*names, *every]:
        if any(naive(text, name) is not None for text in texts):
            assert any(filters_match(f, name) for f in filters), name
    for one in filters:
        for other in filters:
            takes = [n for n in [*every, "x/x/x/x", "x/x/x/x/x", *names] if filters_match(one, n)]
            fixed = [_concrete(one, depth) for depth in (0, 1, 2)]
            if one != other:
                assert not all(filters_match(other, n) for n in [*takes, *fixed]), (one, other)


def _concrete(filter_: str, depth: int) -> str:
    """Return a topic that only this filter, or a wider one, matches."""
    words = ["x" if word == "+" else word for word in filter_.split("/")]
    return "/".join([*words[:-1], *["x"] * depth] if words[-1] == "#" else words) or "x"


def test_a_filter_that_ends_open_covers_its_parent() -> None:
    """MQTT delivers "a" to "a/#": subscribing both would deliver it twice."""
    assert topics.subscriptions([topics.parse("a"), topics.parse("a/{rest*}")]) == ["a/#"]


def test_no_wildcard_covers_the_brokers_own_topics() -> None:
    """No "#" reaches $SYS: the filter that names it must stay."""
    wanted = [topics.parse("$SYS/broker/load"), topics.parse("{all*}")]
    assert topics.subscriptions(wanted) == ["#", "$SYS/broker/load"]


@pytest.mark.parametrize(
    "text", ["", "/", "//a", "a//b", "a/", "a/+", "#", "a/{x}y", "a/{x*}/b", "{x}/{x}", "a/\0"]
)
def test_wrong_patterns(text: str) -> None:
    """Wildcards, empty levels, an open end inside, a name twice: refused with the pattern."""
    with pytest.raises(ConfigError, match="topic"):
        topics.parse(text)


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter in the topic cannot eat the memory; answers stay right."""
    monkeypatch.setattr(topics, "CACHE_LIMIT", 10)
    route = router({"f": ["a/{x}"]})
    for number in range(100):
        found = route.match(f"a/{number}")
        assert found is not None
        assert found.parts == {"x": str(number)}
        assert route.match(f"b/{number}") is None
        assert len(route._seen) <= 10
