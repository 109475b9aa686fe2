"""The live picture: which silence counts, and what a device's own word is worth."""

from __future__ import annotations

from typing import Final

from ioc.domain.hold import HOLD
from ioc.domain.instant import MINUTE, SECOND, Micros
from ioc.domain.observation import Flag, Quality
from ioc.domain.staleness import Freshness
from ioc.web.picture import Feed, Picture, Sample, Stream, Thing

NOW: Final = Micros(1_800_000_000 * SECOND)
OFFLINE: Final = 2.0


def stream(number: int, code: str, *, measured: bool = True) -> Stream:
    state = code.endswith("_status")
    return Stream(
        number,
        code,
        MINUTE,
        5 * MINUTE,
        category=state,
        offline=int(OFFLINE) if state else None,
        measured=measured,
        holds=code == "camera_status",
    )


def picture(*streams: Stream) -> Picture:
    made = Picture()
    thing = Thing(1, "plc", "environment", admitted=True, streams=list(streams))
    made.register([Feed("plc", "PLC", MINUTE, simulated=False)], [thing], NOW)
    return made


def fresh(shown: Picture) -> Freshness:
    return shown.things[1].fresh


def said(number: int, *, ago: int = 0, result: float = 0.0, flags: int = 0) -> Sample:
    time = NOW - ago
    return Sample(number, time, result, Quality.GOOD, flags, time)


def test_a_word_said_once_does_not_make_a_thing_silent() -> None:
    """A birth or a boot counter of hours ago is no silence while its sensor speaks."""
    shown = picture(
        stream(1, "pm25"),
        stream(2, "device_status", measured=False),
        stream(3, "/stat/boots", measured=False),
    )
    hours_ago = [said(2, ago=300 * MINUTE), said(3, ago=300 * MINUTE)]
    shown.apply([said(1), *hours_ago], NOW)
    assert fresh(shown) is Freshness.LIVE
    assert shown.tick(Micros(NOW + 6 * MINUTE)) == {1}, "its sensor's silence still counts"
    assert fresh(shown) is Freshness.SILENT


def test_the_worst_of_the_measured_ones_counts() -> None:
    """A sensor that stopped does not hide behind the others, nor behind a talkative status."""
    shown = picture(stream(1, "pm25"), stream(2, "so2"), stream(3, "device_status", measured=False))
    shown.apply([said(1), said(2, ago=60 * MINUTE), said(3)], NOW)
    assert fresh(shown) is Freshness.SILENT


def test_where_nothing_measured_ever_spoke_the_others_count() -> None:
    """A camera has its status only, a new device raw names only: those are its life."""
    shown = picture(stream(1, "pm25"), stream(2, "camera_status", measured=False))
    assert fresh(shown) is Freshness.NEVER
    shown.apply([said(2, ago=10)], NOW)
    assert fresh(shown) is Freshness.LIVE
    shown.tick(Micros(NOW + 6 * MINUTE))
    assert fresh(shown) is Freshness.SILENT


def test_its_own_word_of_being_offline_is_shown() -> None:
    """A last will puts a thing down at once, whatever its sensor said a second before."""
    shown = picture(stream(1, "pm25"), stream(2, "device_status", measured=False))
    shown.apply([said(1), said(2)], NOW)
    assert shown.things[1].entry()["down"] is False
    assert shown.apply([said(2, result=OFFLINE)], NOW) == {1}
    assert shown.things[1].entry()["down"] is True
    assert shown.things[1].bad()


def test_a_retained_will_is_believed_too() -> None:
    """The broker's copy of "offline" says nothing of when, and everything of what."""
    shown = picture(stream(1, "pm25"), stream(2, "device_status", measured=False))
    flags = int(Flag.RETAINED | Flag.TIME_RECEIVED)
    shown.apply([said(1, ago=1), said(2, result=OFFLINE, flags=flags)], NOW)
    assert shown.things[1].entry()["down"] is True


def test_a_cameras_word_counts_when_it_has_lasted() -> None:
    """A grabber that restarts puts no camera down; one that stays away is down after the hold."""
    shown = picture(stream(2, "camera_status", measured=False))
    shown.apply([said(2, ago=10 * SECOND)], NOW)
    shown.apply([said(2, result=OFFLINE)], NOW)
    entry = shown.things[1].entry()
    assert (entry["down"], entry["values"]) == (
        False, {"camera_status": [0.0, NOW // 1000, Quality.GOOD]}
    )  # fmt: skip
    assert not shown.tick(Micros(NOW + HOLD - 1))
    assert shown.tick(Micros(NOW + HOLD)) == {1}
    entry = shown.things[1].entry()
    assert (entry["down"], entry["values"]) == (
        True, {"camera_status": [OFFLINE, NOW // 1000, Quality.GOOD]}
    )  # fmt: skip
    assert b'"down":true' in shown.states([1])


def test_what_is_held_outlives_a_new_registry() -> None:
    """A thing that is admitted meanwhile does not make the others' words count too early."""
    shown = picture(stream(2, "camera_status", measured=False))
    shown.apply([said(2, ago=10 * SECOND)], NOW)
    shown.apply([said(2, result=OFFLINE)], NOW)
    again = Thing(1, "plc", "environment", admitted=True, streams=[stream(2, "camera_status")])
    shown.register([Feed("plc", "PLC", MINUTE, simulated=False)], [again], NOW)
    assert shown.things[1].entry()["down"] is False
    assert shown.tick(Micros(NOW + HOLD)) == {1}
