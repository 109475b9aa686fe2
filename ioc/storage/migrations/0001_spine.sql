-- The first schema. Names are OGC SensorThings for data and ISA-18.2 / OPC UA Part 9 for alerts.
-- Runs unchanged on plain PostgreSQL >= 15; what needs TimescaleDB is done in code after the numbered files.

-- ---------------------------------------------------------------- registry

create table feed (
  name text primary key,
  title_vi text not null,
  title_en text not null,
  expected_period_s double precision not null check (expected_period_s > 0),
  simulated boolean not null default false,
  updated_at timestamptz not null default now()
);

create table observed_property (
  code text primary key,
  name_vi text not null,
  name_en text not null,
  unit text not null,                       -- UCUM-like, as shown: µg/m³, mm, m
  kind text not null check (kind in ('quantity', 'category')),
  states jsonb,                             -- category: {"online": 0, "degraded": 1, ...}
  decimals smallint not null default 1 check (decimals between 0 and 6),
  raw_days integer not null default 90,     -- retention, ARCHITECTURE defaults
  minute_days integer not null default 730,
  hour_days integer not null default 3650
);

create table thing (
  id integer generated always as identity primary key,
  feed text not null references feed (name),
  external_id text not null check (length(external_id) between 1 and 200),
  name text not null,
  short_name text not null check (length(short_name) <= 32),
  kind text not null,                       -- environment, rain, reservoir, water, camera, network, bts
  state text not null default 'pending' check (state in ('pending', 'admitted', 'retired')),
  simulated boolean not null default false,
  properties jsonb not null default '{}',
  created_at timestamptz not null default now(),
  admitted_at timestamptz,
  admitted_by text,
  unique (feed, external_id)
);
create index thing_pending on thing (feed, created_at) where state = 'pending';

create table location (
  thing_id integer primary key references thing (id) on delete cascade,
  lon double precision not null check (lon between -180 and 180),
  lat double precision not null check (lat between -90 and 90),
  commune_code text,
  commune_name text,
  commune_how text not null check (commune_how in ('nearest_seat', 'boundary', 'none')),
  outline text not null check (outline in ('inside', 'near', 'outside')),  -- near: within 7 km of it
  updated_at timestamptz not null default now()
);

create table datastream (
  id integer generated always as identity primary key,
  thing_id integer not null references thing (id) on delete cascade,
  property text not null references observed_property (code),
  unit text not null,
  expected_period_s double precision not null check (expected_period_s > 0),
  stale_after_s double precision not null check (stale_after_s > 0),
  valid_min double precision,
  valid_max double precision,
  unique (thing_id, property)
);

-- ---------------------------------------------------------------- observations

-- One row a batch of one writer: the clock of everything downstream. Numbers of one writer have no holes.
create table ingest_writer (
  id smallint generated always as identity primary key,
  client_id text not null unique,
  connected_since timestamptz,              -- null: not connected to the broker
  watermark timestamptz,                    -- everything that reached us before this instant is committed
  heartbeat timestamptz not null default now()
);

create table ingest_batch (
  writer smallint not null references ingest_writer (id),
  batch_no bigint not null,
  committed_at timestamptz not null default now(),
  n_messages integer not null,
  n_inserted integer not null,
  n_absorbed integer not null,
  n_corrected integer not null,
  n_refused integer not null,
  oldest timestamptz,                       -- phenomenon times of the rows this batch wrote
  newest timestamptz,
  primary key (writer, batch_no)
);
create index ingest_batch_committed on ingest_batch (committed_at);

-- QoS 1 messages without a device time that may be delivered again: absorbed by (packet id, hash).
-- At most 65,535 rows a writer, since a packet id has 16 bits.
create table ingest_unacknowledged (
  writer smallint not null references ingest_writer (id),
  packet_id integer not null,
  payload_hash bytea not null,
  batch_no bigint not null,
  primary key (writer, packet_id)
);

create table observation (
  datastream_id integer not null,
  phenomenon_time timestamptz not null,
  result double precision not null,         -- NaN where the station said "no value"
  quality smallint not null,                -- ioc.domain.observation.Quality
  flags smallint not null,                  -- ioc.domain.observation.Flag
  received timestamptz not null,
  writer smallint not null,
  batch_no bigint not null,
  primary key (datastream_id, phenomenon_time)
);
-- Rows of a batch lie together on disk, so a block-range index finds a batch again for next to nothing.
create index observation_batch on observation using brin (batch_no) with (pages_per_range = 16);

create table observation_correction (
  id bigint generated always as identity primary key,
  datastream_id integer not null,
  phenomenon_time timestamptz not null,
  result double precision not null,         -- the row as it was
  quality smallint not null,
  flags smallint not null,
  received timestamptz not null,
  writer smallint not null,
  batch_no bigint not null,
  corrected_by_writer smallint not null,
  corrected_by_batch bigint not null,
  corrected_at timestamptz not null default now()
);
create index observation_correction_key on observation_correction (datastream_id, phenomenon_time);

create table observation_minute (
  datastream_id integer not null,
  minute timestamptz not null,
  n integer not null,
  n_good integer not null,
  sum double precision not null default 0,
  min double precision,                     -- null while n_good = 0
  max double precision,
  last double precision,
  last_time timestamptz,
  primary key (datastream_id, minute)
) with (fillfactor = 50);                   -- most updates stay on the page

create table observation_hour (
  datastream_id integer not null,
  hour timestamptz not null,
  n integer not null,
  n_good integer not null,
  sum double precision not null default 0,
  min double precision,
  max double precision,
  last double precision,
  last_time timestamptz,
  primary key (datastream_id, hour)
);

-- Hours that must be built again from minutes: marked by late rows and corrections.
create table observation_hour_dirty (
  datastream_id integer not null,
  hour timestamptz not null,
  primary key (datastream_id, hour)
);

create table rollup_progress (
  name text primary key,
  done_until timestamptz not null
);

create table dead_letter (
  id bigint generated always as identity primary key,
  feed text,                                -- null: no feed has this topic
  topic text not null,
  payload bytea not null,                   -- whole up to 1 MiB
  size integer not null,                    -- of the whole payload, bytes
  reason text not null,                     -- a code; words in ioc/text
  detail text not null default '',
  received timestamptz not null,
  writer smallint not null,
  batch_no bigint not null,
  retried_at timestamptz,
  retry_reason text                         -- null with retried_at set: taken in
);
create index dead_letter_feed on dead_letter (feed, id);

-- ---------------------------------------------------------------- alerts

create table rule (
  id text primary key,                      -- stable slug from config/rules
  name text not null,
  enabled boolean not null default true,
  current_version integer not null,
  updated_at timestamptz not null default now()
);

create table rule_version (
  rule_id text not null references rule (id),
  version integer not null,
  definition jsonb not null,                -- immutable
  created_at timestamptz not null default now(),
  created_by text not null,
  primary key (rule_id, version)
);

-- Process axis, written on transition only.
create table alert_state (
  rule_id text not null references rule (id),
  level smallint not null,
  datastream_id integer not null,
  version integer not null,
  condition text not null check (condition in ('NORMAL', 'PENDING', 'ACTIVE', 'CLEARING')),
  since timestamptz,
  samples integer not null default 0,
  last_time timestamptz,                    -- newest sample at the time of the transition
  last_result double precision,
  min_sample_time timestamptz,
  stale boolean not null default false,
  raised_at timestamptz,
  checkpoint jsonb not null,                -- the fold's state before the window late data may change
  primary key (rule_id, level, datastream_id)
);

create table alert (
  id uuid primary key,                      -- uuid5(rule, datastream, first raise)
  rule_id text not null references rule (id),
  rule_version integer not null,
  datastream_id integer not null,
  thing_id integer not null,
  severity smallint not null check (severity between 1 and 4),  -- 1 critical .. 4 low
  occurrence integer not null default 1,
  active boolean not null,
  stale boolean not null default false,
  late boolean not null default false,
  corrected boolean not null default false,
  simulated boolean not null default false,
  raised_at timestamptz not null,           -- event time of this occurrence
  detected_at timestamptz not null,         -- server time
  result double precision not null,         -- the value that raised it
  limit_value double precision,
  peak double precision,
  peak_at timestamptz,
  acked_at timestamptz,
  acked_by text,
  returned_at timestamptz,
  closed_at timestamptz
);
create unique index alert_one_open on alert (rule_id, datastream_id) where closed_at is null;
create index alert_raised on alert (raised_at desc);

create table alert_event (
  alert_id uuid not null references alert (id),
  occurrence integer not null,
  kind text not null,                       -- RAISE, RTN, STALE, FRESH, ACK, CLOSE, RULE_CHANGED, ...
  n integer not null default 0,
  event_time timestamptz not null,
  recorded_at timestamptz not null,
  actor text,
  payload jsonb not null default '{}',
  primary key (alert_id, occurrence, kind, n)
);

create table outbox (
  id bigint generated always as identity primary key,
  dedup_key text not null unique,
  alert_id uuid not null references alert (id),
  channel text not null,
  target text not null,
  payload jsonb not null,
  not_before timestamptz not null default now(),
  attempts integer not null default 0,
  sent_at timestamptz,
  last_error text,
  dead boolean not null default false
);
create index outbox_waiting on outbox (not_before) where sent_at is null and not dead;

create table consumer_offset (
  consumer text not null,
  partition smallint not null,
  writer smallint not null,
  batch_no bigint not null,
  updated_at timestamptz not null default now(),
  primary key (consumer, partition, writer)
);

-- ---------------------------------------------------------------- layers

create table layer_version (
  layer text not null,
  version text not null,                    -- first 16 hex digits of the content's SHA-256
  body bytea not null,                      -- gzipped GeoJSON, WGS 84, lon lat
  features integer not null,
  attribution text not null default '',
  created_at timestamptz not null default now(),
  current boolean not null default true,
  primary key (layer, version)
);
create unique index layer_version_current on layer_version (layer) where current;

create table layer_job (
  id bigint generated always as identity primary key,
  kind text not null,
  argument jsonb not null default '{}',
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
  lease_until timestamptz,
  attempts integer not null default 0,
  error text,
  created_at timestamptz not null default now(),
  created_by text not null,
  finished_at timestamptz
);
create index layer_job_waiting on layer_job (id) where state in ('waiting', 'running');

-- ---------------------------------------------------------------- the door

create table app_user (
  id integer generated always as identity primary key,
  username text not null unique,
  display_name text not null,
  role text not null,
  password_hash text not null,              -- argon2id
  disabled boolean not null default false,
  failed_logins integer not null default 0,
  locked_until timestamptz,
  created_at timestamptz not null default now()
);

create table session (
  id_hash bytea primary key,                -- SHA-256 of the cookie's secret
  user_id integer not null references app_user (id) on delete cascade,
  created_at timestamptz not null default now(),
  last_seen timestamptz not null default now(),
  expires_at timestamptz not null
);
create index session_of_user on session (user_id);

create table token (
  id integer generated always as identity primary key,
  token_hash bytea not null unique,         -- SHA-256
  kind text not null check (kind in ('kiosk', 'api')),
  role text not null,
  label text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
);

create table command_receipt (
  key text primary key,                     -- Idempotency-Key, with the actor in front
  response jsonb not null,
  created_at timestamptz not null default now()
);

create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  object text not null default '',
  detail jsonb not null default '{}',
  address text
);
create index audit_at on audit (at desc);
