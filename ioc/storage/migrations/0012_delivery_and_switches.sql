-- Old news goes, rules are switched by people, targets are tried from the screen.

-- A notice goes once no row of the outbox speaks of it; a digest or a test has no notice.
create index outbox_notice on outbox (notice) where notice is not null;
create index outbox_loose on outbox (created_at) where notice is null;

-- Who asked for a critical rule to be switched off, until a second person agrees.
alter table rule
  add column off_asked_by text,
  add column off_asked_at timestamptz,
  add column off_reason text;
