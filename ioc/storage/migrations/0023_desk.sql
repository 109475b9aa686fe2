-- What people at the desk leave behind: retries of dead letters, and notes at a chart.

-- One row a press of "try again"; the ingest process works through it.
create table letter_retry (
  id bigint generated always as identity primary key,
  feed text not null references feed (name),
  state text not null default 'waiting'
    check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
  total integer not null default 0,         -- letters that waited when it began
  taken integer not null default 0,
  refused integer not null default 0,
  stop boolean not null default false,
  lease_until timestamptz,
  error text,                               -- a code; words in ioc/text
  created_at timestamptz not null default now(),
  created_by text not null,
  finished_at timestamptz
);
create unique index letter_retry_open on letter_retry (feed) where state in ('waiting', 'running');
create index letter_retry_feed on letter_retry (feed, id);

-- The pages ask for those that still wait; those of today have the index of 0022.
create index dead_letter_waiting on dead_letter (feed, id)
  where retried_at is null or retry_reason is not null;

-- What a person knows about a stretch of a chart. A note is taken back, never changed: the audit
-- and the next reader see the same words.
create table annotation (
  id bigint generated always as identity primary key,
  thing_id integer not null references thing (id) on delete cascade,
  datastream_id integer references datastream (id) on delete cascade,  -- null: of the whole thing
  since timestamptz not null,
  until timestamptz not null check (until >= since),
  words text not null check (length(words) between 1 and 2000),
  created_at timestamptz not null default now(),
  created_by text not null,
  removed_at timestamptz,
  removed_by text
);
create index annotation_of_thing on annotation (thing_id, since) where removed_at is null;
