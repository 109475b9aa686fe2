"""What a person reads: Vietnamese, decimal comma, local time, a subject of one line."""

from __future__ import annotations

from dataclasses import replace

from ioc.alerting.wording import LINES
from ioc.domain.alert import Kind, Severity
from ioc.domain.grouping import ALL, URGENT, Group
from ioc.domain.notification import Form
from tests.unit.notices import ALERT, FACTS, RAISED, RETURNED, WORDING, due, facts, message

TEXT = """Bụi mịn PM2,5 vượt ngưỡng

Mức độ: Nghiêm trọng
Nơi: Trạm quan trắc Long Khánh, Phường Long Khánh
Bụi mịn PM2,5: 1.182,4 µg/m³ (ngưỡng 150,0 µg/m³)
Căn cứ: QCVN 05:2023/BTNMT
Bắt đầu: 22/11/2026 08:30

Việc cần làm: Gọi trạm, kiểm tra nguồn đốt.

Chi tiết: https://ioc.example.vn/alerts?alert=6f1f5a56-2a0e-5a5c-9d0a-3b1f0c7d8e21"""


def test_a_raise_says_all_that_is_needed() -> None:
    """Severity, place, value, limit, law, time, what to do, link."""
    said = message()
    assert said.text == TEXT
    assert said.subject == "[Nghiêm trọng] Bụi mịn PM2,5 vượt ngưỡng – Long Khánh"
    assert said.short == (
        "[Nghiêm trọng] Bụi mịn PM2,5 vượt ngưỡng – Long Khánh: 1.182,4 µg/m³, 22/11/2026 08:30"
    )


def test_a_return_says_when_and_asks_for_nothing() -> None:
    """The end, the furthest value, no instruction any more."""
    said = message(RETURNED)
    assert said.subject.startswith("Trở lại bình thường: [Nghiêm trọng]")
    assert "Trở lại bình thường: 22/11/2026 10:00" in said.text
    assert "Giá trị xa ngưỡng nhất: 1.250,0 µg/m³" in said.text
    assert "Việc cần làm" not in said.text


def test_a_state_is_a_word_not_its_number() -> None:
    """A camera that is off reads "ngừng", without a unit and without a limit."""
    said = message(facts(state="offline", result=2, unit="", property_vi="Trạng thái"))
    assert "Trạng thái: ngừng\n" in said.text
    assert "ngưỡng 150" not in said.text


def test_a_low_limit_is_a_minimum() -> None:
    """Below a limit reads "tối thiểu"; what is late or corrected says so."""
    assert "tối thiểu 150,0" in message(facts(op="<")).text
    assert "Phát hiện muộn" in message(facts(late=True)).text
    assert "Đính chính" in message(replace(RETURNED, corrected=True, late=True)).text


def test_english_is_spoken_to_who_asks_for_it() -> None:
    """Words and numbers of the target's own language."""
    said = replace(WORDING, language="en").message(due(FACTS))
    assert "PM2.5: 1,182.4 µg/m³ (limit 150.0 µg/m³)" in said.text
    assert "Gọi" not in said.text


def test_a_subject_is_one_line() -> None:
    """A name with a line break cannot write another header."""
    said = message(facts(place="A\r\nBcc: x@y.z"))
    assert "\n" not in said.subject
    assert "\r" not in said.subject


def test_a_digest_of_a_group_counts_and_marks_the_first_out() -> None:
    """How many, which rule, which commune; the earliest line is the first-out; the rest is cut."""
    told = [facts(n=n, raised_at=RAISED - n, severity=Severity.HIGH) for n in range(LINES + 5)]
    said = message(*told, group=Group("26068", "pm25-high"))
    assert said.subject == "[Cao] 35 tin: Bụi mịn PM2,5 vượt ngưỡng – Phường Long Khánh"
    assert said.form is Form.DIGEST
    lines = said.text.splitlines()
    assert "Phát sinh: 35" in lines
    assert [line for line in lines if "báo động đầu tiên" in line] == [lines[4]]
    assert "… và 5 dòng khác, xem trên hệ thống" in lines


def test_a_critical_digest_lists_each() -> None:
    """However many there are, every critical alert has its line."""
    told = [facts(n=n, thing=f"Trạm {n}") for n in range(300)]
    text = message(*told, group=URGENT).text
    assert all(f"Trạm {n}, Phường" in text for n in range(300))
    assert "dòng khác" not in text


def test_a_digest_of_everything_counts_by_area_and_rule() -> None:
    """One line an area and rule, the largest first; every critical call has its own."""
    told = [
        facts(n=n, commune=str(n % 3), commune_name=f"Xã {n % 3}", severity=Severity.HIGH)
        for n in range(10)
    ]
    calls = [facts(n=n, thing=f"Trạm {n}", commune_name="Xã 9") for n in range(100, 140)]
    text = message(*told, *calls, group=ALL).text
    assert "Xã 0 – Bụi mịn PM2,5 vượt ngưỡng: 4\nXã 1 – Bụi mịn PM2,5 vượt ngưỡng: 3" in text
    assert all(f"Trạm {n}, Xã 9" in text for n in range(100, 140))
    assert "Xã 9 – " not in text, "told in full, so not counted again"


def test_a_test_message_is_marked() -> None:
    """[DIỄN TẬP] stands first in everything that somebody may read."""
    said = WORDING.test("test:1:lan", "lan", RAISED)
    assert all(t.startswith("[DIỄN TẬP] ") for t in (said.subject, said.text, said.short))
    assert "Không có sự cố nào" in said.text


def test_every_kind_has_a_subject() -> None:
    """Whatever the operators' side may announce can be said."""
    for kind in Kind:
        assert message(facts(kind)).subject
    assert ALERT in message(facts(Kind.ESCALATE, 2)).url
