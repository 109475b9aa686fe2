-- The leaders' brief: what it asks of alerts, the reports it makes by itself, and web push.

create index alert_handling_due on alert (handling_due) where handling_due is not null;
create index alert_event_direction on alert_event (recorded_at) where kind = 'DIRECTION';

-- The public half of the key that signs our web push: browsers subscribe to it. The private half is
-- known to the dispatcher alone, which writes this row.
create table push_key (
  one boolean primary key default true check (one),  -- there is one
  public_key text not null,                 -- uncompressed P-256 point, base64url
  updated_at timestamptz not null default now()
);

-- Briefs made by schedule; whoever inserts the row, or finds its lease over, makes it.
create table brief_report (
  period text not null check (period in ('day', 'week')),
  begins date not null,                     -- first day it is about, in the province's time
  lease_until timestamptz not null,
  attempts integer not null default 1,
  made_at timestamptz,
  files text[] not null default '{}',       -- names below the data directory's folder `brief`
  sent jsonb not null default '{}',         -- target -> what came of it
  error text,
  primary key (period, begins)
);
