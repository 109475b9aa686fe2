-- A token of a source that pushes over HTTP: it speaks for that source and can do nothing else. The
-- name is a level of a topic, so it holds nothing that means something there.
alter table token
  add column source text check (source ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
  drop constraint token_kind_check,
  add constraint token_kind_check check (kind in ('kiosk', 'api', 'source')),
  add constraint token_source_named check ((kind = 'source') = (source is not null));
