"""The process axis as stored: one row a level, all levels of one (rule, datastream) of one moment.

Written on a transition of any of its levels, so that a restart has one place to fold from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, LiteralString

from psycopg import Connection

from ioc.domain.alert import Condition, State
from ioc.domain.evaluation import Key, Saved
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.levels import Ladder
from ioc.domain.observation import DatastreamId
from ioc.storage.alerts import document

Db = Connection[tuple[Any, ...]]


def on(conn: Db, partitions: Collection[int]) -> set[DatastreamId]:
    """Return the datastreams of these partitions for which some level is not NORMAL."""
    rows = conn.execute(
        "select distinct datastream_id from alert_state where condition <> 'NORMAL'"
        " and evaluator_partition(datastream_id) = any(%s::smallint[])",
        (list(partitions),),
    )
    return {DatastreamId(row[0]) for row in rows}


def states(conn: Db, datastreams: Collection[DatastreamId]) -> list[Saved]:
    """Return every stored state of these datastreams with its checkpoint."""
    rows = conn.execute(
        "select rule_id, datastream_id, version, alert_raised_at, checkpoint, condition, since,"
        " began, samples, min_sample_time, last_time, last_result, stale, raised_at"
        " from alert_state where datastream_id = any(%s) order by datastream_id, rule_id, level",
        (list(datastreams),),
    ).fetchall()
    return [_saved(list(levels)) for _, levels in groupby(rows, key=lambda row: row[:2])]


def _saved(levels: Sequence[tuple[Any, ...]]) -> Saved:
    rule_id, datastream, version, raised_at, checkpoint = levels[0][:5]
    opened = checkpoint.get("alert_raised_at")
    return Saved(
        rule_id=rule_id,
        datastream=DatastreamId(datastream),
        version=version,
        state=Ladder(tuple(_state(row[5:]) for row in levels), _micros(raised_at)),
        checkpoint=Ladder(tuple(state_of_json(row[4]) for row in levels), opened),
    )


def _state(row: Sequence[Any]) -> State:
    condition, since, began, samples, enough, last, result, stale, raised = row
    return State(
        condition=Condition(condition),
        since=_micros(since),
        began=_micros(began),
        samples=samples,
        min_sample_time=_micros(enough),
        last_time=_micros(last),
        last_result=result,
        stale=stale,
        raised_at=_micros(raised),
    )


def _micros(moment: Any) -> Micros | None:  # noqa: ANN401  a nullable column
    return None if moment is None else from_datetime(moment)


def state_of_json(stored: Mapping[str, Any]) -> State:
    """Return the state that `state_to_json` wrote."""
    known = {name: value for name, value in stored.items() if name in State._fields}
    return State(**{**known, "condition": Condition(known["condition"])})


def state_to_json(state: State) -> dict[str, Any]:
    """Return a state in JSON types; instants stay µs."""
    return {**state._asdict(), "condition": state.condition.value}


# A document, as alerts are written: 10,000 rows of a storm are one statement, not 10,000.
_SAVE: Final[LiteralString] = (
    "insert into alert_state (rule_id, level, datastream_id, version, condition, since, began,"
    " samples, min_sample_time, last_time, last_result, stale, raised_at, alert_raised_at,"
    " checkpoint) select rule_id, level, datastream_id, version, condition, since, began, samples,"
    " min_sample_time, last_time, last_result, stale, raised_at, alert_raised_at, checkpoint"
    " from json_populate_recordset(null::alert_state, %s::json)"
    " on conflict (rule_id, level, datastream_id) do update set"
    " version = excluded.version, condition = excluded.condition,"
    " since = excluded.since, began = excluded.began, samples = excluded.samples,"
    " min_sample_time = excluded.min_sample_time, last_time = excluded.last_time,"
    " last_result = excluded.last_result, stale = excluded.stale,"
    " raised_at = excluded.raised_at, alert_raised_at = excluded.alert_raised_at,"
    " checkpoint = excluded.checkpoint"
)


def save(conn: Db, found: Sequence[Saved]) -> None:
    """Write all levels of each; the caller's transaction holds what they stand for."""
    if found:
        # Of one key in a verdict the last counts: a statement may write a row but once.
        newest = {one.key: one for one in found}
        conn.execute(_SAVE, (document(row for one in newest.values() for row in _rows(one)),))


def _rows(saved: Saved) -> Iterator[dict[str, object]]:
    levels = zip(saved.state.states, saved.checkpoint.states, strict=True)
    for level, (state, checkpoint) in enumerate(levels, 1):
        yield {
            "rule_id": saved.rule_id,
            "level": level,
            "datastream_id": saved.datastream,
            "version": saved.version,
            "condition": state.condition,
            "since": _moment(state.since),
            "began": _moment(state.began),
            "samples": state.samples,
            "min_sample_time": _moment(state.min_sample_time),
            "last_time": _moment(state.last_time),
            # As a text: JSON has no infinity.
            "last_result": None if state.last_result is None else str(state.last_result),
            "stale": state.stale,
            "raised_at": _moment(state.raised_at),
            "alert_raised_at": _moment(saved.state.raised_at),
            "checkpoint": {
                **state_to_json(checkpoint),
                "alert_raised_at": saved.checkpoint.raised_at,
            },
        }


def _moment(instant: Micros | None) -> Any:  # noqa: ANN401  a nullable column
    return None if instant is None else to_datetime(instant)


def delete(conn: Db, gone: Sequence[Key]) -> None:
    """Remove all levels of each."""
    if gone:
        conn.execute(
            "delete from alert_state where (rule_id, datastream_id) in"
            " (select * from unnest(%s::text[], %s::integer[]))",
            ([rule for rule, _ in gone], [datastream for _, datastream in gone]),
        )
