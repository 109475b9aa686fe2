-- Imported layers: every import is a number, every row holds from one number to before another.

create table layer_import (
  layer text not null,
  number integer not null check (number > 0),
  previous integer,                         -- what undo returns to; 0: before the first; null: nothing
  restores integer,                         -- an undo: the number whose content came back
  version text,                             -- the published one; null: undone to nothing
  fingerprint text not null default '',     -- layer and column names: a kind of file
  facts jsonb not null default '{}',        -- file, system, encoding, columns, counts, warnings
  refused bytea,                            -- CSV of the rows that were not taken
  created_by text not null,
  created_at timestamptz not null default now(),
  primary key (layer, number)
);

create table layer_feature (
  layer text not null,
  code text not null,
  since integer not null,
  until integer,                            -- the number that no longer has it; null: current
  name text not null,
  shape bytea not null,                     -- WKB, WGS 84, lon lat
  bounds box not null,
  properties jsonb not null,
  commune_code text,
  commune_name text,
  commune_how text not null check (commune_how in ('boundary', 'nearest_seat', 'file', 'none')),
  digest bytea not null,
  primary key (layer, code, since)
);
create index layer_feature_current on layer_feature (layer, code) where until is null;
create index layer_feature_bounds on layer_feature using gist (bounds) where until is null;
create index layer_feature_ended on layer_feature (layer, until) where until is not null;

-- What an import that a worker did says of itself, as `ioc layers import --json` does.
alter table layer_job add column result jsonb;

-- What a person said of the columns of a kind of file, for the next file of the kind.
create table layer_mapping (
  fingerprint text primary key,
  layer text not null,
  fields jsonb not null,                    -- column -> field
  created_by text not null,
  created_at timestamptz not null default now()
);
