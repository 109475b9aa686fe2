"""News of an alert as values, for tests of messages and channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.alerting.wording import Wording
from ioc.domain.alert import Kind, Severity
from ioc.domain.grouping import Group
from ioc.domain.instant import MINUTE, Micros
from ioc.domain.notification import Due, Earlier, Facts, Message
from tests.unit.moments import at_hcm

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
RAISED: Final = at_hcm(2026, 11, 22, 8, 30)
ALERT: Final = "6f1f5a56-2a0e-5a5c-9d0a-3b1f0c7d8e21"
WORDING: Final = Wording("vi", ZONE, "Trung tâm – Đồng Nai", "https://ioc.example.vn")

FACTS: Final = Facts(
    key=f"{ALERT}:1:RAISE:0",
    alert=ALERT,
    occurrence=1,
    kind=Kind.RAISE,
    severity=Severity.CRITICAL,
    rule="pm25-high",
    rule_vi="Bụi mịn PM2,5 vượt ngưỡng",
    rule_en="PM2.5 above its limit",
    place="Long Khánh",
    thing="Trạm quan trắc Long Khánh",
    thing_kind="environment",
    observed_property="pm25",
    property_vi="Bụi mịn PM2,5",
    property_en="PM2.5",
    unit="µg/m³",
    decimals=1,
    result=1182.44,
    limit=150.0,
    op=">",
    peak=1250.0,
    commune="26068",
    commune_name="Phường Long Khánh",
    lon=107.24,
    lat=10.93,
    legal_ref="QCVN 05:2023/BTNMT",
    action_vi="Gọi trạm, kiểm tra nguồn đốt.",
    action_en="Call the station.",
    raised_at=RAISED,
    noticed_at=Micros(RAISED + MINUTE),
)


def facts(kind: Kind = Kind.RAISE, n: int = 0, **changed: Any) -> Facts:
    """Return the facts of one piece of news about the same alert."""
    key = f"{ALERT}:{changed.get('occurrence', 1)}:{kind.value}:{n}"
    return replace(FACTS, **{"key": key, "kind": kind, **changed})


def due(
    *told: Facts, group: Group | None = None, target: str = "t", earlier: tuple[Earlier, ...] = ()
) -> Due:
    """Return a row that is to be sent."""
    key = f"{told[0].key}:{target}" if group is None else f"digest:{target}:1"
    made = Micros(told[0].noticed_at + 1234)
    return Due(1, key, "webhook", target, 0, made, group, told, earlier)


def message(*told: Facts, group: Group | None = None, earlier: tuple[Earlier, ...] = ()) -> Message:
    """Return what a target reads; without facts that of a raise."""
    return WORDING.message(due(*(told or (FACTS,)), group=group, earlier=earlier))


RETURNED: Final = facts(Kind.RTN, returned_at=Micros(RAISED + 90 * MINUTE))
