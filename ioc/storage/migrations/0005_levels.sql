-- A rule has one to four levels, each a state of its own; the alert they make together has one start.
alter table alert_state
  add column began timestamptz,             -- of the condition alone; since counts stale, too
  add column alert_raised_at timestamptz;   -- of the alert: when the first level in alarm was raised
update alert_state set began = since, alert_raised_at = raised_at;
-- The fold's state is JSON here; it takes the same two facts.
update alert_state set checkpoint = checkpoint
  || jsonb_build_object('began', checkpoint -> 'since', 'alert_raised_at', checkpoint -> 'raised_at');
