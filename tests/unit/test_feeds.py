"""Feed files: what is wrong is one line that names the file and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import feeds
from ioc.domain.errors import ConfigError

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "feeds"
GOOD = """
name: n
title: {vi: a, en: b}
codec: json
topic: "x/{thing}"
kind: water
expected_period_s: 60
options: {values: {ph: {path: p}}}
"""


def load(folder: Path, text: str, **others: str) -> dict[str, feeds.Source]:
    (folder / "n.yaml").write_text(text, encoding="utf-8")
    for name, content in others.items():
        (folder / f"{name}.yaml").write_text(content, encoding="utf-8")
    return feeds.load(folder)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (GOOD.replace("codec: json", "codec: jsno"), "known: "),
        (GOOD.replace("kind: water", "kind: fire"), "kind"),
        (GOOD + "zone: Asia/Sai_Gon", "zone 'Asia/Sai_Gon'"),
        (GOOD + "zones: x", "zones"),
        (GOOD.replace("name: n", "name: N n"), "name"),
        (GOOD.replace('"x/{thing}"', '"x/#"'), "neither a word nor {name}"),
        (GOOD.replace('"x/{thing}"', "[]"), "topic"),
        (GOOD.replace("{thing}", "{device}"), "{thing}"),
        (GOOD.replace("60", "0"), "expected_period_s"),
        (GOOD + "future_limit_s: -1", "future_limit_s"),
        (GOOD.replace("path: p", "pth: p"), "pth"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, wrong: str, says: str) -> None:
    """A wrong feed stops the start with the file and what to do."""
    with pytest.raises(ConfigError) as refusal:
        load(tmp_path, wrong)
    assert str(tmp_path / "n.yaml") in str(refusal.value)
    assert says in str(refusal.value)


def test_two_feeds_of_one_name(tmp_path: Path) -> None:
    """The second file of a name is refused."""
    with pytest.raises(ConfigError, match="n"):
        load(tmp_path, GOOD, other=GOOD.replace('"x/', '"y/'))


def test_two_feeds_of_one_topic(tmp_path: Path) -> None:
    """Feeds that would fight over a message are refused by name."""
    with pytest.raises(ConfigError, match="feeds n and m"):
        load(tmp_path, GOOD, other=GOOD.replace("name: n", "name: m"))


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    """Five lost messages are silence, a week is late, five minutes ahead is a lie."""
    source = load(tmp_path, GOOD)["n"]
    assert source.spec.stale_after_s == 300
    assert (source.past_limit, source.future_limit) == (7 * 86400 * 10**6, 300 * 10**6)


def test_examples_are_known_to_decode_alone(tmp_path: Path) -> None:
    """A feed that is switched off is loaded as an example only."""
    assert "n" not in load(tmp_path, GOOD + "enabled: false")
    assert "n" in feeds.load(tmp_path, examples=True)


def test_the_files_datastreams_override_the_codecs(tmp_path: Path) -> None:
    """Who installs a sensor knows more than its format."""
    source = load(
        tmp_path, GOOD + "datastreams: {p: {property: null, unit: x}, q*: {property: cod}}"
    )
    spec = source["n"].spec
    assert (spec.describe("p").property, spec.describe("p").unit) == (None, "x")
    assert spec.describe("q7").property == "cod"


def test_names_are_those_that_every_topic_has(tmp_path: Path) -> None:
    """A codec may rely on a part only when all topics of the feed have it."""
    text = GOOD.replace('"x/{thing}"', '["x/{thing}", "y/{a}/{thing}"]')
    assert list(load(tmp_path, text)["n"].feed.names) == ["thing"]


def test_the_shipped_examples_share_the_topics() -> None:
    """Every shipped feed loads, examples too, and no two of them tie."""
    assert {"water_utility", "frigate", "demo-rain"} <= set(feeds.load(SHIPPED, examples=True))
