-- Suspected cuts of the fibre network. While one stands and its alert is on, the alerts of the points
-- that it explains are held back as those of what hangs on something that is down.

create table suspected_cut (
  id bigint generated always as identity primary key,
  thing_id integer not null references thing (id) on delete cascade,  -- the stretch, as alerts name it
  segments text[] not null,                 -- codes, from the core outwards
  silent_since timestamptz not null,        -- the first of its points
  opened_at timestamptz not null,
  doubted_at timestamptz,                   -- one of its points has answered
  ended_at timestamptz,
  why text check (why in ('over', 'answered', 'wider', 'network')),
  check ((ended_at is null) = (why is null))
);
create unique index suspected_cut_standing on suspected_cut (thing_id) where ended_at is null;

create table suspected_cut_point (
  cut_id bigint not null references suspected_cut (id) on delete cascade,
  thing_id integer not null references thing (id) on delete cascade,
  silent_since timestamptz not null,
  primary key (cut_id, thing_id)
);
create index suspected_cut_point_thing on suspected_cut_point (thing_id);
