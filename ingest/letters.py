"""`python -m ingest.letters list|retry`: what `ioc dead-letters` runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

import psycopg

from ingest import feeds, retrying
from ingest.retry import Letters, Retried
from ioc import settings as configuration
from ioc.domain.errors import ConfigError
from ioc.log import configure
from ioc.settings import Settings
from ioc.storage import dead_letters, pool, things
from ioc.storage.batches import Standby
from ioc.storage.dead_letters import DeadLetter
from ioc.text import say

SHOWN: Final = 60  # characters of a payload in the list; the whole of it is in the database


def retry_dead_letters(settings: Settings, feed: str) -> Retried:
    """Try the dead letters of a feed again. Raises ConfigError for a feed that is not there."""
    settings.require("database_url")
    sources = feeds.load(settings.config_dir / "feeds")
    if feed not in sources:
        raise ConfigError(f"no feed {feed!r} (known: {', '.join(sources) or 'none'})")
    with pool.connect(settings.database_url, name="retry") as conn:
        things.upsert_feeds(conn, [sources[feed].spec])
        letters = Letters(
            lambda after, limit: dead_letters.waiting(conn, feed, after, limit),
            lambda outcomes: dead_letters.mark_retried(conn, outcomes),
        )
        return retrying.run(settings, sources, letters)


def line(letter: DeadLetter) -> str:
    """Return one dead letter as one line for people."""
    words = say(f"reason.{letter.reason}")
    shown = letter.payload[:SHOWN].decode("utf-8", "backslashreplace")
    plain = "".join(c if c.isprintable() else "·" for c in shown)
    detail = f" ({letter.detail})" if letter.detail else ""
    when = letter.received.isoformat(timespec="seconds")
    head = f"{letter.id}  {when}  {letter.feed or '-'}  {letter.topic}"
    return f"{head}\n    {letter.reason}: {words}{detail}\n    {letter.size} B  {plain}"


def main(arguments: Sequence[str] | None = None) -> int:
    """List or retry; a wrong setting or a database that is away is one line and exit 1."""
    configure("letters")
    wanted = _arguments(arguments)
    try:
        settings = configuration.load()
        if wanted.command == "retry":
            counts = retry_dead_letters(settings, wanted.feed)
            sys.stdout.write(
                say("letters.retried", taken=counts.taken, refused=counts.refused) + "\n"
            )
            return 0
        settings.require("database_url")
        with pool.connect(settings.database_url, name="letters") as conn:
            found = dead_letters.list_(conn, wanted.feed, wanted.limit)
    except ConfigError as error:
        sys.stderr.write(f"ioc dead-letters: {error}\n")
        return 1
    except Standby:
        sys.stderr.write("ioc dead-letters: another retry is under way; wait for its end\n")
        return 1
    except psycopg.OperationalError as error:
        sys.stderr.write(f"ioc dead-letters: {str(error).splitlines()[0]}\n")
        return 1
    sys.stdout.writelines(line(letter) + "\n" for letter in found)
    if not found:
        sys.stdout.write(say("letters.none") + "\n")
    return 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ioc dead-letters")
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("list")
    show.add_argument("--feed")
    show.add_argument("--limit", type=int, default=50)
    again = commands.add_parser("retry")
    again.add_argument("--feed", required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
