-- The leaders' brief: what it asks of alerts, and web push.

create index alert_handling_due on alert (handling_due) where handling_due is not null;
create index alert_event_direction on alert_event (recorded_at) where kind = 'DIRECTION';

-- The public half of the key that signs our web push: browsers subscribe to it. The private half is
-- known to the dispatcher alone, which writes this row.
create table push_key (
  one boolean primary key default true check (one),  -- there is one
  public_key text not null,                 -- uncompressed P-256 point, base64url
  updated_at timestamptz not null default now()
);
