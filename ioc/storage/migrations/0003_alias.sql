-- A device that took the place of another: its messages continue the other's thing, and so its
-- datastreams. It is always the thing that is continued, never another alias: there are no chains.
create table thing_alias (
  feed text not null references feed (name),
  external_id text not null check (length(external_id) between 1 and 200),  -- of the new device
  thing_id integer not null references thing (id) on delete cascade,
  made_at timestamptz not null default now(),
  made_by text not null,
  note text not null default '',
  primary key (feed, external_id)
);
create index thing_alias_thing on thing_alias (thing_id);
