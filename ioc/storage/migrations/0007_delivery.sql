-- Who is told what: each piece of news once (notice), each target's share of it (outbox), each attempt
-- (notify_log), and the arrangement by which targets were chosen (notify_plan).

-- config/notify.yaml as it was read; secrets stand in it as references only. The newest holds.
create table notify_plan (
  version integer generated always as identity primary key,
  definition jsonb not null,
  created_at timestamptz not null default now(),
  created_by text not null
);

create table notice (
  key text primary key,                     -- alert:occurrence:kind:n
  alert_id uuid not null references alert (id),
  occurrence integer not null,
  kind text not null,
  n integer not null,
  severity smallint not null check (severity between 1 and 4),
  rule_id text not null,
  area text not null,                       -- the commune's code, '' where it is not known
  facts jsonb not null,                     -- what a message may say, as it was
  noticed_at timestamptz not null,
  withheld text                             -- why nobody gets it: simulated, nobody, no_plan
);
create index notice_of_alert on notice (alert_id, occurrence);
create index notice_recent on notice (noticed_at);

-- dedup_key is notice:target; of a digest it is digest:target:number, and its lines point to it.
alter table outbox
  alter column alert_id drop not null,      -- null: a digest
  alter column payload set default '{}',
  add column notice text references notice (key),
  add column policy text not null default '',
  add column created_at timestamptz not null default now(),
  add column decided_at timestamptz,        -- when it became a message, a line of a digest, or withheld
  add column digest bigint references outbox (id),
  add column withheld text;                 -- why it is not sent: answered, superseded, no_target
create index outbox_undecided on outbox (target, id) where decided_at is null;
create index outbox_decided on outbox (target, decided_at) where digest is null;
create index outbox_digest on outbox (digest) where digest is not null;
create index outbox_of_alert on outbox (alert_id, target);
drop index outbox_waiting;
create index outbox_waiting on outbox (not_before)
  where decided_at is not null and sent_at is null and not dead and digest is null and withheld is null;

-- Targets that failed: until then nothing else is tried there.
create table notify_target (
  name text primary key,
  paused_until timestamptz not null
);

-- Every attempt and what came back.
create table notify_log (
  id bigint generated always as identity primary key,
  outbox_id bigint references outbox (id),  -- null: a test message
  dedup_key text not null,
  channel text not null,
  target text not null,
  attempt integer not null,
  at timestamptz not null,
  took_ms integer not null,
  outcome text not null check (outcome in ('delivered', 'later', 'dead')),
  detail text not null                      -- the receipt, or the reason
);
create index notify_log_at on notify_log (at desc);
create index notify_log_outbox on notify_log (outbox_id);

-- Browsers that asked for web push; `owner` is the address that targets of that channel name.
create table push_subscription (
  id bigint generated always as identity primary key,
  owner text not null,
  endpoint text not null unique,
  p256dh text not null,
  auth text not null,
  created_at timestamptz not null default now()
);
create index push_subscription_owner on push_subscription (owner);
