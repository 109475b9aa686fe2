-- Programme indicators, the days of every source for the quality board, and what a province's
-- exchanges, one-stop cases and tasks say of themselves.

-- config/indicators: what a figure means, who answers for it, what is aimed at.
create table indicator (
  id text primary key,
  topic text not null,
  position integer not null,                -- the catalogue's order
  name_vi text not null,
  name_en text not null,
  unit text not null,
  decimals smallint not null check (decimals between 0 and 6),
  direction text not null check (direction in ('up', 'down')),
  targets jsonb not null,                   -- {"2025": 80, "2030": 100}
  owner text not null,
  source text not null,                     -- whose report or system the values are from
  how text not null check (how in ('feed', 'upload', 'computed')),
  method text,                              -- computed: which computation of ours
  level text not null check (level in ('province', 'commune', 'agency')),
  denominator text not null default '',
  period text not null check (period in ('day', 'month', 'quarter', 'year')),
  due_days integer not null check (due_days >= 0),
  retired boolean not null default false,   -- no longer in the catalogue; its history stays
  check ((how = 'computed') = (method is not null))
);

-- A figure as of a day of the province, and where it comes from.
create table indicator_value (
  indicator text not null references indicator (id),
  at date not null,
  value double precision not null check (value > '-infinity' and value < 'infinity'),
  how text not null check (how in ('feed', 'upload', 'computed')),
  detail jsonb not null,                    -- file and row, or thing and instant, or what was counted
  put_at timestamptz not null default now(),
  put_by text not null,
  primary key (indicator, at)
);

-- A figure that was said before: a number that changes silently is not believed again.
create table indicator_value_replaced (
  id bigint generated always as identity primary key,
  indicator text not null,
  at date not null,
  value double precision not null,
  how text not null,
  detail jsonb not null,
  put_at timestamptz not null,
  put_by text not null,
  replaced_at timestamptz not null default now()
);
create index indicator_value_replaced_key on indicator_value_replaced (indicator, at);

-- What one source sent on one day of the province; built from hours, so it outlives raw values.
create table source_day (
  thing_id integer not null references thing (id) on delete cascade,
  day date not null,
  expected double precision not null,       -- values that its periods promise for the day
  got double precision not null,            -- of these: an hour never counts for more than it promises
  n bigint not null,
  n_good bigint not null,
  corrected integer not null,
  hours smallint not null,                  -- hours in which anything came
  possible real not null,                   -- hours in which something should have come
  primary key (thing_id, day)
);
create index source_day_day on source_day (day);
create index observation_correction_at on observation_correction (corrected_at);
create index dead_letter_received on dead_letter (received);
