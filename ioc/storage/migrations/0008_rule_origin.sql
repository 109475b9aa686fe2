-- Rules made on screen live beside those of files: a file changes only rules that came from files.
alter table rule add column origin text not null default 'file'
  check (origin in ('file', 'ui'));

-- A version waits where a second person must agree; `rule.current_version` names the one in force.
alter table rule_version
  add column state text not null default 'approved'
    check (state in ('waiting', 'approved', 'rejected')),
  add column decided_by text,
  add column decided_at timestamptz,
  add column reason text,                   -- typed where the rule is louder than it should be
  add column rehearsal jsonb;               -- what the backtest said when it was saved
create index rule_version_waiting on rule_version (rule_id) where state = 'waiting';
