"""Imported layers: `layer_feature`, `layer_import`, `layer_mapping`.

A row holds from the number of one import to before that of another, so what a layer was at any
number is one range condition, and undoing is an import of what was before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc.domain.errors import LayerFileError
from ioc.domain.layer import (
    BASE_LAYERS,
    POINT_LAYERS,
    Feature,
    LayerHistory,
    LayerImport,
    Published,
    Standing,
)
from ioc.storage import audit, feature_rows, layers

Db = Connection[tuple[Any, ...]]

KEEP_IMPORTS: Final = 20  # of a layer: nobody undoes further back


@dataclass(frozen=True, slots=True)
class Shelf:
    """What an import reads and writes; an autocommit connection of its own."""

    conn: Db

    def standing(self, layer: str) -> Standing:
        """Return what the layer is now."""
        with self.conn.transaction():
            last = _last(self.conn, layer)
            rows = self.conn.execute(
                "select code, digest from layer_feature where layer = %s and until is null"
                " order by code",
                (layer,),
            ).fetchall()
        number, version = (0, None) if last is None else (last[0], last[2])
        return Standing(number, {code: bytes(digest) for code, digest in rows}, version)

    def remembered(self, fingerprint: str) -> Mapping[str, str]:
        """Return what a person said of such columns, column -> field."""
        row = self.conn.execute(
            "select fields from layer_mapping where fingerprint = %s", (fingerprint,)
        ).fetchone()
        found: Mapping[str, str] = {} if row is None else row[0]
        return found

    def places(self, layer: str, codes: list[str]) -> Mapping[str, tuple[float, float]]:
        """Return the middle (lon, lat) of the rows that have one of these codes."""
        rows = self.conn.execute(
            "select code, (center(bounds))[0], (center(bounds))[1] from layer_feature"
            " where layer = %s and until is null and code = any (%s)",
            (layer, codes),
        )
        return {code: (lon, lat) for code, lon, lat in rows}

    def features(self, layer: str, codes: list[str] | None = None) -> list[Feature]:
        """Return the current rows, of these codes or all."""
        with self.conn.cursor() as cursor:
            cursor.execute(
                "select code, name, shape, bounds::text, properties::text, commune_code,"
                " commune_name, commune_how, digest from layer_feature"
                " where layer = %(layer)s and until is null"
                " and (%(codes)s::text[] is null or code = any (%(codes)s)) order by code",
                {"layer": layer, "codes": codes},
            )
            return _features(cursor)

    def things(self) -> Mapping[str, int]:
        """Return the admitted things by their id at the feed, where it is of one feed only."""
        rows = self.conn.execute(
            "select external_id, min(id) from thing where state = 'admitted'"
            " group by external_id having count(*) = 1"
        )
        return dict(rows.fetchall())

    def commit(self, made: LayerImport) -> None:
        """Make the import the layer's content and publish it, all or nothing.

        LayerFileError("meanwhile") when another import was committed since the difference was made.
        """
        with self.conn.transaction():
            number = _next(self.conn, made.layer, made.based_on)
            _end(self.conn, made.layer, made.ended, number)
            _write(self.conn, made.layer, made.written, number)
            self.conn.execute(
                "insert into layer_import (layer, number, previous, version, fingerprint, facts,"
                " refused, created_by) values (%s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    made.layer,
                    number,
                    made.based_on,
                    made.published.version,
                    made.fingerprint,
                    Jsonb(dict(made.facts)),
                    made.refused or None,
                    made.by,
                ),
            )
            if made.mapping:
                _remember(self.conn, made)
            layers.put(self.conn, made.layer, made.published)
            _prune(self.conn, made.layer, number)
            _audit(self.conn, made.by, "layer.import", made.layer, number)

    def before(self, layer: str) -> tuple[int, list[Feature]]:
        """Return the number that undo returns to, and its rows; LayerFileError for none."""
        last = _last(self.conn, layer)
        if last is None or last[1] is None or last[1] < last[0] - KEEP_IMPORTS:
            raise LayerFileError("no_previous", layer=layer)
        previous = int(last[1])
        with self.conn.cursor() as cursor:
            cursor.execute(
                "select code, name, shape, bounds::text, properties::text, commune_code,"
                " commune_name, commune_how, digest from layer_feature where layer = %s"
                " and since <= %s and (until is null or until > %s) order by code",
                (layer, previous, previous),
            )
            return previous, _features(cursor)

    def restore(self, layer: str, to: int, published: Published | None, by: str) -> int:
        """Make the content of the number `to` current again; return the new number.

        None is published of a layer that had nothing: what ships of it comes back.
        """
        with self.conn.transaction():
            layers.lock(self.conn, layer)
            last = _last(self.conn, layer)
            if last is None or last[1] != to:
                raise LayerFileError("meanwhile")
            number = last[0] + 1
            _bring_back(self.conn, layer, to, number)
            before = self.conn.execute(
                "select previous from layer_import where layer = %s and number = %s", (layer, to)
            ).fetchone()
            self.conn.execute(
                "insert into layer_import (layer, number, previous, restores, version, created_by)"
                " values (%s, %s, %s, %s, %s, %s)",
                (
                    layer,
                    number,
                    None if before is None else before[0],
                    to,
                    None if published is None else published.version,
                    by,
                ),
            )
            if published is None:
                _withdraw(self.conn, layer, by)
            else:
                layers.put(self.conn, layer, published)
            _audit(self.conn, by, "layer.undo", layer, number)
        return number


def imported(conn: Db, layer: str) -> bool:
    """Say whether the layer has rows of a file, which nothing that ships may replace."""
    row = conn.execute(
        "select exists (select 1 from layer_feature where layer = %s and until is null)", (layer,)
    ).fetchone()
    return row is not None and bool(row[0])


def history(conn: Db) -> list[LayerHistory]:
    """Return each imported layer with its last import and how many rows it has."""
    rows = conn.execute(
        "select distinct on (i.layer) i.layer, i.number, i.version, i.restores,"
        " i.facts ->> 'file', i.created_by, i.created_at,"
        " (select count(*) from layer_feature f where f.layer = i.layer and f.until is null)"
        " from layer_import i order by i.layer, i.number desc"
    ).fetchall()
    return [LayerHistory(*row) for row in rows]


def stale(conn: Db) -> list[str]:
    """Return the imported layers whose features are the places of other things than published."""
    rows = conn.execute(
        "with known as (select external_id, min(id) as id from thing where state = 'admitted'"
        "  group by external_id having count(*) = 1),"
        " now as (select f.layer, md5(string_agg(f.code || ':' || k.id, ','"
        '   order by f.code collate "C")) as joined'
        "  from layer_feature f join known k on k.external_id = f.code"
        "  where f.until is null group by f.layer)"
        " select v.layer from layer_version v left join now using (layer) where v.current"
        " and exists (select 1 from layer_feature f where f.layer = v.layer and f.until is null)"
        " and v.joined is distinct from coalesce(now.joined, '') order by v.layer"
    ).fetchall()
    return [row[0] for row in rows]


def rejoin(conn: Db, layer: str, number: int, made: Published) -> bool:
    """Publish the content of import `number` again under the ids that its things have now.

    False where that is nothing new, or another import came in between.
    """
    with conn.transaction():
        layers.lock(conn, layer)
        last = _last(conn, layer)
        if last is None or last[0] != number:
            return False
        if not layers.put(conn, layer, made):
            conn.execute(
                "update layer_version set joined = %s where layer = %s and current",
                (made.joined, layer),
            )
            return False
        conn.execute(
            "update layer_import set version = %s where layer = %s and number = %s",
            (made.version, layer, number),
        )
    return True


def refused(conn: Db, layer: str) -> bytes | None:
    """Return the CSV of the rows that the layer's last import did not take; None: it took all."""
    row = conn.execute(
        "select refused from layer_import where layer = %s and restores is null"
        " order by number desc limit 1",
        (layer,),
    ).fetchone()
    return None if row is None or row[0] is None else bytes(row[0])


def _last(conn: Db, layer: str) -> tuple[int, int | None, str | None] | None:
    """Return number, previous and version of the layer's last import."""
    return conn.execute(
        "select number, previous, version from layer_import where layer = %s"
        " order by number desc limit 1",
        (layer,),
    ).fetchone()


def _next(conn: Db, layer: str, based_on: int) -> int:
    layers.lock(conn, layer)
    last = _last(conn, layer)
    if (0 if last is None else last[0]) != based_on:
        raise LayerFileError("meanwhile")
    return based_on + 1


def _end(conn: Db, layer: str, codes: tuple[str, ...], number: int) -> None:
    conn.execute(
        "update layer_feature set until = %s"
        " where layer = %s and until is null and code = any (%s)",
        (number, layer, list(codes)),
    )


def _write(conn: Db, layer: str, rows: Iterable[Feature], number: int) -> None:
    with conn.cursor() as cursor, cursor.copy(feature_rows.COPY) as copy:
        for piece in feature_rows.packed(layer, rows, number):
            copy.write(piece)


def _bring_back(conn: Db, layer: str, to: int, number: int) -> None:
    conn.execute(
        "insert into layer_feature (layer, code, since, name, shape, bounds, properties,"
        " commune_code, commune_name, commune_how, digest)"
        " select layer, code, %(number)s, name, shape, bounds, properties,"
        " commune_code, commune_name, commune_how, digest from layer_feature"
        " where layer = %(layer)s and since <= %(to)s and until > %(to)s",
        {"layer": layer, "to": to, "number": number},
    )
    conn.execute(
        "update layer_feature set until = %(number)s"
        " where layer = %(layer)s and until is null and since > %(to)s and since < %(number)s",
        {"layer": layer, "to": to, "number": number},
    )


def _withdraw(conn: Db, layer: str, by: str) -> None:
    conn.execute("update layer_version set current = false where layer = %s and current", (layer,))
    if layer in (*BASE_LAYERS, *POINT_LAYERS):
        layers.enqueue(conn, "publish", {"layer": layer}, by)


def _remember(conn: Db, made: LayerImport) -> None:
    conn.execute(
        "insert into layer_mapping (fingerprint, layer, fields, created_by)"
        " values (%s, %s, %s, %s) on conflict (fingerprint) do update"
        " set fields = layer_mapping.fields || excluded.fields,"
        " created_by = excluded.created_by, created_at = now()",
        (made.fingerprint, made.layer, Jsonb(dict(made.mapping)), made.by),
    )


def _prune(conn: Db, layer: str, number: int) -> None:
    conn.execute(
        "delete from layer_feature where layer = %s and until <= %s",
        (layer, number - KEEP_IMPORTS),
    )


def _audit(conn: Db, by: str, action: str, layer: str, number: int) -> None:
    audit.record(conn, audit.Entry(by, action, layer, {"number": number}))


def _features(rows: Iterable[tuple[Any, ...]]) -> list[Feature]:
    return [
        Feature(
            code,
            name,
            bytes(shape),
            _bounds(bounds),
            _sorted(properties),
            commune_code,
            commune_name,
            how,
            bytes(digest),
        )
        for code, name, shape, bounds, properties, commune_code, commune_name, how, digest in rows
    ]


def _sorted(properties: str) -> bytes:
    """Return the object as it was written: jsonb keeps its keys in an order of its own."""
    # Copied: orjson leaves each text in a buffer of a kilobyte.
    return bytes(memoryview(orjson.dumps(orjson.loads(properties), option=orjson.OPT_SORT_KEYS)))


def _bounds(text: str) -> tuple[float, float, float, float]:
    """Read PostgreSQL's box: upper right corner first."""
    east, north, west, south = (
        float(one) for one in text.replace("(", "").replace(")", "").split(",")
    )
    return west, south, east, north
