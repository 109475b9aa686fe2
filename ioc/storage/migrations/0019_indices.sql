-- VN_AQI and VN_WQI as derived datastreams: which hours feed them, what must be computed again,
-- and what stands behind each value.

-- Who writes what was computed here has no line to a broker, so its silence means nothing.
alter table ingest_writer add column internal boolean not null default false;
alter table datastream add column derived boolean not null default false;
create index datastream_property on datastream (property);

create table index_station (
  thing_id integer not null references thing (id) on delete cascade,
  kind text not null check (kind in ('air', 'water')),
  weighted boolean not null default false,  -- water: group IV counts twice (the station's setting)
  primary key (thing_id, kind)
);

-- One datastream for each parameter of a station.
create table index_input (
  datastream_id integer primary key references datastream (id) on delete cascade,
  thing_id integer not null,
  kind text not null,
  parameter text not null,                  -- as ioc.domain.aqi or wqi names it
  unique (thing_id, kind, parameter),
  foreign key (thing_id, kind) references index_station on delete cascade
);

-- Hours whose means changed: every index that looks at one is computed again.
create table index_dirty (
  thing_id integer not null,
  kind text not null,
  hour timestamptz not null,
  primary key (thing_id, kind, hour)
);
create index index_dirty_hour on index_dirty (hour);

-- What stands behind an observation of a derived datastream, also where it has no value.
create table index_detail (
  datastream_id integer not null references datastream (id) on delete cascade,
  phenomenon_time timestamptz not null,
  sub_indices jsonb not null,               -- {parameter: not rounded}
  dominant text,
  coverage real not null,                   -- share of the one-hour means it looks at that are valid
  reason text,                              -- a code where there is no index; words in ioc/text
  primary key (datastream_id, phenomenon_time)
);
create index index_detail_time on index_detail (phenomenon_time);

-- What a station must keep: a line of its permit, or of a regulation that was said to hold for it.
-- A limit is never changed after its time: a new one begins where the old one ends.
create table legal_limit (
  id bigint generated always as identity primary key,
  thing_id integer not null references thing (id) on delete cascade,
  property text not null references observed_property (code),
  unit text not null,
  low double precision,
  high double precision,
  function text check (function in ('mean', 'max', 'sum')),
  window_s integer check (window_s > 0),    -- null: it holds for each single value
  min_coverage real not null default 0.75,
  basis text not null,                      -- permit or regulation
  source text not null default '',
  confidence text not null check (confidence in ('A', 'B', 'C')),
  valid_from date,
  valid_to date,
  put_at timestamptz not null default now(),
  put_by text not null,
  check (low is not null or high is not null),
  check ((function is null) = (window_s is null)),
  check (valid_from <= valid_to),
  unique nulls not distinct (thing_id, property, window_s, basis, valid_from)
);
