"""The SQL of the operators' desk: what a row consists of, which rows a list has, in what order."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, LiteralString

from ioc.web.queries.scope import WITHIN


class Tab(StrEnum):
    """The lists of the page."""

    OPEN = "open"
    RETURNED = "returned"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"
    LATE = "late"
    CLOSED = "closed"

    @property
    def pages(self) -> bool:
        """Tell whether the list only grows, so that it is read page by page, newest first."""
        return self in (Tab.LATE, Tab.CLOSED)

    @property
    def holds_back(self) -> bool:
        """Tell whether a mask keeps what is listed from sounding: nobody may forget these."""
        return bool(self.masks)

    @property
    def masks(self) -> tuple[str, ...]:
        """Return the kinds of masks that the list is about."""
        return {
            Tab.SHELVED: ("shelve",),
            Tab.SUPPRESSED: ("maintenance", "parent", "calibration"),
            Tab.OUT_OF_SERVICE: ("out_of_service",),
        }.get(self, ())


# key of a row -> where it comes from
FIELDS: Final[dict[str, LiteralString]] = {
    "id": "a.id::text",
    "rule": "a.rule_id",
    "rule_version": "a.rule_version",
    "thing": "a.thing_id",
    "datastream": "a.datastream_id",
    "thing_kind": "t.kind",
    "place": "t.name",
    "area": "l.commune_code",
    "commune": "l.commune_name",
    "property": "d.property",
    "code": "d.code",  # of the datastream: what a chart is asked by
    "kind": "p.kind",
    "property_name": "case when d.code = d.property then p.name_vi else d.name end",
    "unit": "d.unit",
    "decimals": "p.decimals",
    "states": "p.states",
    "name": "v.definition #>> '{name,vi}'",
    "severity": "a.severity",
    "occurrence": "a.occurrence",
    "active": "a.active",
    "stale": "a.stale",
    "late": "a.late",
    "corrected": "a.corrected",
    "simulated": "a.simulated",
    "result": "nullif(a.result, 'NaN')",
    "peak": "nullif(a.peak, 'NaN')",
    "op": "v.definition ->> 'op'",
    "limit": "a.limit_value",
    "low": "(b.level ->> 'low')::float8",  # both of a two-sided rule, as its version says them
    "high": "(b.level ->> 'high')::float8",
    "legal_ref": "v.definition ->> 'legal_ref'",
    "action": "v.definition #>> '{operator_action,vi}'",
    "cause": "v.definition #>> '{cause,vi}'",
    "consequence": "v.definition #>> '{consequence,vi}'",
    "raised": "a.raised_at",
    "detected": "a.detected_at",
    "returned": "a.returned_at",
    "acked_at": "a.acked_at",
    "acked_by": "coalesce(u.display_name, a.acked_by)",
    "closed": "a.closed_at",
    "latched": "a.latched",
    "assignee": "coalesce(w.display_name, a.assignee)",
    "handling": "a.handling",
    "handling_due": "a.handling_due",
    "mask": "a.mask",
    "masked_until": "a.masked_until",
    "masked_since": "m.since",
    "mask_id": "m.id",
    "mask_reason": "m.reason",
    "mask_by": "m.by_name",
    "mask_approved_by": "m.approved_by",
}
COUNT: Final[LiteralString] = "select count(*)"
COLUMNS: Final[LiteralString] = "select " + ", ".join(FIELDS.values())
FROM: Final[LiteralString] = (
    " from alert a join thing t on t.id = a.thing_id join datastream d on d.id = a.datastream_id"
    " join observed_property p on p.code = d.property"
    " join rule_version v on v.rule_id = a.rule_id and v.version = a.rule_version"
    " left join location l on l.thing_id = t.id left join app_user u on u.username = a.acked_by"
    " left join app_user w on w.username = a.assignee"
    " left join lateral (select x as level from jsonb_array_elements(v.definition -> 'levels') x"
    "  where x ->> 'severity' = (array['critical', 'high', 'medium', 'low'])[a.severity]"
    "  limit 1) b on v.definition ->> 'op' in ('outside', 'inside')"
    # Who held it back and why: the mask that the newest line about one names.
    " left join lateral (select e.recorded_at as since, k.id, k.reason, k.approved_by,"
    "  coalesce(o.display_name, k.by_user) as by_name from (select recorded_at, payload"
    "   from alert_event where alert_id = a.id and kind in ('SHELVE', 'MASK', 'OUT_OF_SERVICE')"
    "   order by recorded_at desc, n desc limit 1) e"
    "  left join mask k on k.id = (e.payload ->> 'id')::bigint"
    "  left join app_user o on o.username = k.by_user) m on a.mask is not null"
)
TABS: Final[dict[Tab, LiteralString]] = {
    Tab.OPEN: " where a.closed_at is null and a.mask is null",
    Tab.RETURNED: " where a.closed_at is null and a.mask is null and not a.active"
    " and a.acked_at is null",
    Tab.SHELVED: " where a.closed_at is null and a.mask = 'shelve'",
    Tab.SUPPRESSED: " where a.closed_at is null"
    " and a.mask in ('maintenance', 'parent', 'calibration')",
    Tab.OUT_OF_SERVICE: " where a.closed_at is null and a.mask = 'out_of_service'",
    Tab.LATE: " where a.late",
    Tab.CLOSED: " where a.closed_at is not null",
}
# People type without accents; đ is a letter of its own that no decomposition takes apart.
_FOLDED: Final[LiteralString] = (
    "translate(regexp_replace(normalize(lower({}), NFD), '[\u0300-\u036f]', '', 'g'), 'đ', 'd')"
)
_SEARCHED: Final[LiteralString] = (
    "concat_ws(' ', t.name, t.short_name, t.external_id, p.name_vi, p.code,"
    " v.definition #>> '{name,vi}', a.rule_id, l.commune_name)"
)
NARROWED: Final[LiteralString] = (
    " and (%(severities)s::int[] is null or a.severity = any(%(severities)s))"
    " and (%(kind)s::text is null or t.kind = %(kind)s)"
    " and (%(area)s::text is null or coalesce(l.commune_code, '') = %(area)s)"
    " and (%(rule)s::text is null or a.rule_id = %(rule)s)"
    " and (%(since)s::timestamptz is null or a.raised_at >= %(since)s)"
    " and (%(standing)s::text is null or case %(standing)s::text"
    "  when 'unacked' then a.active and a.acked_at is null"
    "  when 'acked' then a.acked_at is not null"
    "  when 'returned' then not a.active"
    "  when 'stale' then a.stale end)"
    " and (%(words)s::text is null or position("
    + _FOLDED.replace("{}", "%(words)s::text")
    + " in "
    + _FOLDED.replace("{}", _SEARCHED)
    + ") > 0)"
    + WITHIN
)
# what comes back first; what has no end of its own stands last
ENDING_FIRST: Final[LiteralString] = " order by a.masked_until nulls last, a.severity, a.id"
GROUP: Final[LiteralString] = (
    "select coalesce(l.commune_code, ''), min(l.commune_name), a.rule_id,"
    " min(v.definition #>> '{name,vi}'), min(a.severity), count(*),"
    " count(*) filter (where a.acked_at is null),"
    " (array_agg(a.id::text order by a.raised_at, a.detected_at, a.id))[1],"
    " (extract(epoch from max(a.raised_at)) * 1000)::bigint"
)
GROUPED: Final[LiteralString] = " group by 1, 3 order by 5, 7 desc, 9 desc, 3, 1 limit %(most)s"
HEADS: Final[LiteralString] = (
    " and (a.id = any(%(first)s::uuid[]) or a.severity = 1 and (select count(*) from alert"
    "  where closed_at is null and severity = 1) <= %(single)s)"
)
# newest critical first; what returned or was answered stands behind what did not
URGENT_FIRST: Final[LiteralString] = (
    " order by a.severity, a.active desc, a.acked_at is not null, a.raised_at desc, a.id"
)
NEWEST_FIRST: Final[LiteralString] = " order by a.raised_at desc, a.id desc"
