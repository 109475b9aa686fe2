"""The watched folder: whole files go out, each once taken; no stranger's trick reaches further."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from ingest import station_files, watched_folder
from ingest.outgoing import Answer
from ingest.station_files import MAX_BYTES, RETRY_S, Post, StationFiles, fault
from ingest.watched_folder import WatchedFolder, oldest_kept
from ioc.domain.instant import Micros

NOW: Final = Micros(1_795_367_000_000_000)  # 2026-11-22T17:03Z: the 23rd in Viet Nam
TODAY: Final = "2026-11-23"
NAME: Final = "HNLM01_20261122081500.txt"
TEXT: Final = "pH\t7\t-\t20261122081500\t00\r\n"


@dataclass
class Broker:
    """A fake of the port: takes what it is told to take, when it is told to."""

    sent: list[tuple[str, bytes]] = field(default_factory=list)
    connected: bool = True
    answering: bool = True
    takes: bool = True
    _owed: list[int] = field(default_factory=list)

    def send(self, topic: str, payload: bytes) -> int | None:
        if not self.connected:
            return None
        self.sent.append((topic, payload))
        self._owed.append(len(self.sent))
        return len(self.sent)

    def answers(self, _wait_s: float) -> list[Answer]:
        if not self.answering:
            return []
        owed, self._owed = self._owed, []
        return [Answer(number, self.takes, "") for number in owed]

    @property
    def topics(self) -> list[str]:
        return [topic for topic, _ in self.sent]


@dataclass
class Rig:
    """A folder, a broker, and a hand on the clock."""

    root: Path
    broker: Broker = field(default_factory=Broker)
    time: float = 100.0
    groups: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything that is not on disk."""
        self.files = StationFiles(
            WatchedFolder(self.root, 5.0),
            Post(self.broker.send, self.broker.answers),
            self,
            ZoneInfo("Asia/Ho_Chi_Minh"),
            self.groups,
            lambda: self.time,
        )

    def now(self) -> Micros:
        return NOW

    def put(self, place: str, content: bytes | str = TEXT) -> Path:
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def turns(self, seconds: float = 12.0) -> None:
        for _ in range(int(seconds)):
            self.time += 1
            self.files.turn()

    def left(self) -> list[str]:
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file())


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    (tmp_path / "ftp").mkdir()
    return Rig(tmp_path / "ftp")


def test_a_file_is_published_as_it_is_and_moved(rig: Rig) -> None:
    """Bytes untouched under its own name; then in done/ of the day it came, in its subfolder."""
    rig.put(f"amata/tram1/{NAME}", b"\xef\xbb\xbfpH\t7\r\n")
    rig.turns()
    assert rig.broker.sent == [(f"ioc/station-files/{NAME}", b"\xef\xbb\xbfpH\t7\r\n")]
    assert rig.left() == [f"done/{TODAY}/amata/tram1/{NAME}"]


def test_a_group_has_a_topic_of_its_own(rig: Rig) -> None:
    """Chimneys are told apart by their subfolder."""
    rig.groups["khi-thai"] = "stack"
    for place in (f"khi-thai/{NAME}", f"khac/{NAME}", NAME):
        rig.put(place)
    rig.turns()
    assert sorted(rig.broker.topics) == [
        f"ioc/station-files/{NAME}",
        f"ioc/station-files/{NAME}",
        f"ioc/station-files/stack/{NAME}",
    ]


def test_a_growing_file_is_waited_for(rig: Rig) -> None:
    """Half a file is nobody's: only what did not change for the settling time goes out."""
    path = rig.put(NAME, "pH\t")
    for n in range(10):
        rig.turns(3)
        path.write_bytes(b"pH\t" + b"7" * n)
    assert rig.broker.sent == []
    rig.turns(8)
    assert [payload for _, payload in rig.broker.sent] == [b"pH\t" + b"7" * 9]


def test_nothing_moves_before_the_broker_has_it(rig: Rig) -> None:
    """A file whose message is not acknowledged stays, and is not published over and over."""
    rig.broker.answering = False
    rig.put(NAME)
    rig.turns(60)
    assert len(rig.broker.sent) == 1
    assert rig.left() == [NAME]
    rig.broker.answering = True
    rig.turns(1)
    assert rig.left() == [f"done/{TODAY}/{NAME}"]


def test_a_kill_before_the_move_publishes_again(rig: Rig) -> None:
    """Twice is absorbed by the keys of the values; never would be lost."""
    rig.broker.answering = False
    rig.put(NAME)
    rig.turns()
    rig.broker = Broker()
    rig.restart()
    rig.turns()
    assert rig.broker.topics == [f"ioc/station-files/{NAME}"]
    assert rig.left() == [f"done/{TODAY}/{NAME}"]


def test_without_a_broker_files_wait(rig: Rig) -> None:
    """An outage costs nothing: everything goes out when the broker is back."""
    rig.broker.connected = False
    for n in range(5):
        rig.put(f"A{n}_20261122081500.txt")
    rig.turns(30)
    assert len(rig.left()) == 5
    rig.broker.connected = True
    rig.turns(3)
    assert [topic[19] for topic in rig.broker.topics] == list("01234")
    assert rig.files.published == 5


def test_what_nobody_takes_is_tried_again(rig: Rig) -> None:
    """A broker without a subscriber would drop the only copy: the file stays and tries again."""
    rig.broker.takes = False
    rig.put(NAME)
    rig.turns(RETRY_S)
    assert (len(rig.broker.sent), rig.left()) == (1, [NAME])
    rig.broker.takes = True
    rig.turns(RETRY_S)
    assert (len(rig.broker.sent), rig.left()) == (2, [f"done/{TODAY}/{NAME}"])


def test_a_file_written_again_meanwhile_is_not_moved(rig: Rig) -> None:
    """What was published is not what lies there now: that goes out too."""
    rig.broker.answering = False
    rig.put(NAME, "pH\t7")
    rig.turns()
    rig.put(NAME, "pH\t8.25")
    rig.broker.answering = True
    rig.turns()
    assert [payload for _, payload in rig.broker.sent] == [b"pH\t7", b"pH\t8.25"]
    assert rig.left() == [f"done/{TODAY}/{NAME}"]


def test_a_name_that_comes_again_keeps_both(rig: Rig) -> None:
    """Evidence is not overwritten."""
    for text in ("pH\t7", "pH\t8"):
        rig.put(NAME, text)
        rig.turns()
    assert len(rig.left()) == 2
    assert {(rig.root / p).read_text() for p in rig.left()} == {"pH\t7", "pH\t8"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (NAME, b"x" * (MAX_BYTES + 1), "1 MiB"),
        (NAME, b"\xff\xd8\xff\xe0\0\x10JFIF", "không phải văn bản"),
        ("A+B_20261122081500.txt", TEXT.encode(), "Tên tệp"),
        ("A#_20261122081500.txt", TEXT.encode(), "Tên tệp"),
        (os.fsdecode(b"A\xff_20261122081500.txt"), TEXT.encode(), "Tên tệp"),
    ],
)
def test_what_is_no_station_file_is_put_aside(
    rig: Rig, name: str, content: bytes, reason: str
) -> None:
    """In refused/ of the day, with the reason in Vietnamese beside it; nothing is published."""
    rig.put(f"amata/{name}", content)
    rig.turns()
    folder = rig.root / "refused" / TODAY / "amata"
    assert (folder / name).read_bytes() == content
    told = (folder / f"{name}.reason.txt").read_text(encoding="utf-8")
    assert reason in told
    assert "00:03:20 23/11/2026" in told, "the province's time"
    assert rig.broker.sent == []
    assert len(rig.left()) == 2


def test_an_empty_file_gets_its_time(rig: Rig) -> None:
    """An upload begins empty; ten minutes later it is a fault of the station."""
    rig.put(NAME, b"")
    rig.turns(590)
    assert rig.left() == [NAME]
    rig.turns(30)
    assert rig.left() == [f"refused/{TODAY}/{NAME}", f"refused/{TODAY}/{NAME}.reason.txt"]


def test_other_files_are_left_alone(rig: Rig) -> None:
    """What a server writes while it receives, and what is no .txt, is none of ours."""
    for name in ("A.txt.part", "A.csv", ".A.txt", "A.filepart"):
        rig.put(name)
    rig.put("B_20261122081500.TXT")
    rig.turns()
    assert rig.broker.topics == ["ioc/station-files/B_20261122081500.TXT"]
    assert len(rig.left()) == 5


def test_no_link_is_followed(rig: Rig, tmp_path: Path) -> None:
    """An account may not read the server's files, nor another folder's, through us."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / NAME).write_text(TEXT)
    (rig.root / "link.txt").symlink_to(secret / NAME)
    (rig.root / "folder").symlink_to(secret)
    os.mkfifo(rig.root / "pipe.txt")
    rig.turns()
    assert rig.broker.sent == []


def test_nothing_is_moved_through_a_link(rig: Rig, tmp_path: Path) -> None:
    """A link in place of done/ stops us; it is no way out of the folder. Nothing is flooded."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (rig.root / "done").symlink_to(outside)
    rig.put(NAME)
    rig.turns(3 * RETRY_S)
    assert list(outside.iterdir()) == []
    assert rig.left() == [NAME]
    assert len(rig.broker.sent) == 1
    (rig.root / "done").unlink()
    rig.turns(RETRY_S)
    assert rig.left() == [f"done/{TODAY}/{NAME}"]
    assert len(rig.broker.sent) == 1


def test_a_file_that_becomes_a_link_is_not_read(rig: Rig, tmp_path: Path) -> None:
    """Between the look and the reading an account may swap it."""
    secret = tmp_path / "secret.txt"
    secret.write_text(TEXT)
    folder = WatchedFolder(rig.root, 5.0)
    path = rig.put(f"sub/{NAME}")
    folder.settled(0)
    (found,) = folder.settled(10)
    path.unlink()
    path.symlink_to(secret)
    assert folder.read(found, 100) is None
    assert folder.move(found, "done", date(2026, 11, 23)) is False


def test_a_look_is_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood is worked off in turns, oldest names first, and in the end all of it."""
    monkeypatch.setattr(watched_folder, "MAX_LOOKED", 30)
    monkeypatch.setattr(station_files, "PER_TURN", 20)
    monkeypatch.setattr(station_files, "IN_FLIGHT", 7)
    for n in range(100):
        rig.put(f"A_202611220815{n:02d}.txt")
    for _ in range(80):
        before = len(rig.broker.sent)
        rig.turns(1)
        assert len(rig.broker.sent) - before <= 7
    assert len(rig.left()) == 100
    assert rig.files.published == 100
    assert len(set(rig.broker.topics)) == 100


def test_a_folder_that_is_away_is_waited_for(rig: Rig) -> None:
    """A network share comes and goes; the process does not."""
    away = rig.root.rename(rig.root.with_name("away"))
    rig.turns(3)
    away.rename(rig.root)
    rig.put(NAME)
    rig.turns()
    assert rig.files.published == 1


def test_old_days_are_deleted(rig: Rig, tmp_path: Path) -> None:
    """Days of done/ and refused/ go; nothing else, and nothing through a link, is touched."""
    kept = [
        rig.put(f"done/2026-09-24/{NAME}"),
        rig.put(f"done/notes/{NAME}"),
        rig.put(f"2026-01-01/{NAME}"),
    ]
    gone = [rig.put(f"done/2026-09-23/x/{NAME}"), rig.put(f"refused/2025-01-01/{NAME}")]
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / NAME).write_text(TEXT)
    (rig.root / "done" / "2026-01-02").symlink_to(outside)
    assert oldest_kept(date(2026, 11, 23), 60) == date(2026, 9, 24)
    assert rig.files.prune(60) == 2
    assert all(path.exists() for path in [*kept, outside / NAME])
    assert not any(path.exists() for path in gone)


@pytest.mark.parametrize("name", ["A" * 201 + ".txt", "A\tB.txt", "A\u200b.txt"])
def test_odd_names(name: str) -> None:
    """A name becomes a topic and a station: it must be readable."""
    assert fault(name, TEXT.encode()) == "bad_name"


def test_zeros_at_the_end_are_the_codecs_business() -> None:
    """A logger that lost its power: the whole lines before are worth having."""
    assert fault(NAME, TEXT.encode() * 100 + b"\0" * 100) is None
