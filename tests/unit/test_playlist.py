"""The wall's list: whose turn it is, and that a critical alert holds it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.instant import SECOND, Micros
from ioc.domain.playlist import Item, Layout, Plan, Shown, shown

START = Micros(1_000 * SECOND)
PLAN = Plan((Item(Layout.OVERVIEW, 60), Item(Layout.CAMERAS, 30)), START)


def after(seconds: float) -> Micros:
    return Micros(START + round(seconds * SECOND))


def test_pages_take_turns() -> None:
    """Each page stays for its dwell time, and the round begins again."""
    for seconds, layout, left in ((0, "overview", 60), (60, "cameras", 30), (90, "overview", 60)):
        assert shown(PLAN, after(seconds), None) == Shown(Layout(layout), after(seconds + left))


def test_a_critical_alert_holds_the_list() -> None:
    """The page that stood when the alert came stays until somebody takes it."""
    held = shown(PLAN, after(400), after(70))
    assert held == Shown(Layout.CAMERAS, paused=True)
    assert not shown(PLAN, after(400), None).paused


def test_the_desk_has_the_last_word() -> None:
    """What was sent to a wall stands there, alert or not, and a list of nothing shows the whole."""
    pinned = Plan(PLAN.items, START, Layout.NETWORK)
    assert shown(pinned, after(400), after(70)) == Shown(Layout.NETWORK)
    assert shown(Plan((), START), after(0), None) == Shown(Layout.OVERVIEW)


@given(
    st.lists(
        st.builds(Item, st.sampled_from(Layout), st.integers(10, 3600)), min_size=2, max_size=12
    ),
    st.integers(0, 10**6),
)
def test_a_turn_lasts_until_it_says(items: list[Item], seconds: int) -> None:
    """The page of now stands until the instant that was told, and changes by turn then."""
    plan = Plan(tuple(items), START)
    found = shown(plan, after(seconds), None)
    assert found.until is not None
    last = shown(plan, Micros(found.until - 1), None)
    assert last == found
    assert shown(plan, found.until, None).until != found.until
