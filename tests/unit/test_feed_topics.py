"""Where a device speaks, from the feed files alone."""

from pathlib import Path

from ioc.web import feed_topics


def test_a_device_stands_in_the_one_blank(tmp_path: Path) -> None:
    """One topic with one blank names the device; else the topics stand as they are written."""
    (tmp_path / "a.yaml").write_text("name: one\ntopic: 'demo/{thing}/data'\n")
    (tmp_path / "b.yaml").write_text("- name: two\n  topic: ['a/{x}/{y}', 'b/{z*}']\n- 7\n")
    topics = feed_topics.load(tmp_path)
    assert feed_topics.topic_of(topics, "one", "T\\1") == "demo/T\\1/data"
    assert feed_topics.topic_of(topics, "two", "T1") == "a/{x}/{y}, b/{z*}"
    assert feed_topics.topic_of(topics, "gone", "T1") == ""
