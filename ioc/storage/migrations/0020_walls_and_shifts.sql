-- Walls that a desk steers, and the log of shifts: notes, and hand-overs signed by both sides.

create table wall (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,31}$'),  -- of its address
  title text not null check (length(title) between 1 and 60),
  items jsonb not null default '[]',        -- [[layout, dwell_s], …], shown in turn
  started_at timestamptz not null default now(),  -- of the list's first round
  pinned text,                              -- sent by the desk; null: the list
  room text not null default 'dark' check (room in ('dark', 'lit')),
  screen jsonb,                             -- diagonal_in, width_px, height_px, viewer_m; null: not measured
  updated_at timestamptz not null default now(),
  updated_by text not null default '',
  seen_at timestamptz,                      -- the screen's last sign of life
  seen_layout text                          -- what it said it shows
);
insert into wall (name, title, items) values
  ('tuong-1', 'Tường chính', '[["overview", 60], ["alerts", 30], ["environment", 30], ["network", 30], ["cameras", 30]]');

create table shift_note (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  by_user text not null,
  note text not null check (length(note) between 1 and 2000)
);
create index shift_note_at on shift_note (at);

create table shift_handover (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  since timestamptz not null,               -- of the shift that ends
  given_by text not null,
  given_name text not null,
  taken_by text not null check (taken_by <> given_by),
  taken_name text not null,
  remark text not null default '' check (length(remark) <= 4000),
  content jsonb not null                    -- what was open, shelved, silent and noted, as both saw it
);
create index shift_handover_at on shift_handover (at);

create function shift_kept() returns trigger language plpgsql as $$
begin
  raise exception 'the log of shifts is only ever added to' using errcode = 'insufficient_privilege';
end $$;
create trigger shift_kept before update or delete on shift_note
  for each row execute function shift_kept();
create trigger shift_kept before update or delete on shift_handover
  for each row execute function shift_kept();
create trigger shift_not_emptied before truncate on shift_note execute function shift_kept();
create trigger shift_not_emptied before truncate on shift_handover execute function shift_kept();
revoke update, delete, truncate on shift_note, shift_handover from public;
