-- Masks, the operator's axis, the handling beside an alert, and what a thing hangs on.

-- Shelves, planned work, devices out of service. In force in [starts, ends) until ended_at.
create table mask (
  id bigint generated always as identity primary key,
  kind text not null
    check (kind in ('shelve', 'maintenance', 'parent', 'calibration', 'out_of_service')),
  matcher jsonb not null check (matcher <> '{}'),  -- rule, datastream, thing, commune, feed: all must fit
  starts timestamptz not null,
  ends timestamptz not null check (ends > starts),
  reason text not null check (reason <> ''),
  by_user text not null,
  approved_by text check (approved_by <> by_user),
  approved_at timestamptz,
  one_shot boolean not null default false,         -- the first return to normal ends it
  created_at timestamptz not null default now(),
  ended_at timestamptz,                            -- before its end, by somebody or by a return
  ended_by text
);
create index mask_not_ended on mask (ends) where ended_at is null;

alter table alert
  add column announced integer not null default 0,       -- the last occurrence whose raise was told
  add column told_severity smallint,
  add column told integer not null default 0,            -- notices so far of kinds that repeat
  add column clock_from timestamptz,                     -- timers of the server's clock count from here
  add column repeated_at timestamptz,
  add column escalation smallint not null default 0,
  add column latched boolean not null default false,     -- returned, held until a reset
  add column mask text,                                  -- what held it back when last looked at
  add column masked_until timestamptz,
  add column assignee text,
  add column handling text not null default 'new' check (handling in
    ('new', 'received', 'verified', 'assigned', 'in_progress', 'review', 'closed', 'rejected')),
  add column handling_due timestamptz,
  add column handling_by text,
  add column handled_at timestamptz,
  add column due_at timestamptz;                         -- when its next timer fires
-- What was raised before there was an outbox was seen on the screens.
update alert set announced = occurrence, told_severity = severity, clock_from = now();
create index alert_due on alert (due_at) where closed_at is null;
create index alert_open_of_thing on alert (thing_id) where closed_at is null;

-- The gateway, recorder or link behind which a thing speaks.
alter table thing
  add column parent_id integer references thing (id) on delete set null check (parent_id <> id);
create index thing_parent on thing (parent_id) where parent_id is not null;
