-- Evaluators share the datastreams by partitions (ioc.domain.partition), each held by one lease.
-- The first evaluator makes the rows: a migrated database is empty, as a restored backup wants it.
create table evaluator_lease (
  partition smallint primary key,
  owner text,                               -- evaluator_member.id; null: free
  backend integer,                          -- the owner's server process: gone means free at once
  epoch bigint not null default 0,          -- grows with every taking; a commit under an older one fails
  expires_at timestamptz not null default '-infinity'
);

-- Evaluator processes that live, whether they hold a partition or not.
create table evaluator_member (
  id text primary key,
  backend integer not null,
  expires_at timestamptz not null
);

-- ioc.domain.partition.partition, for queries; the two are held equal by a test.
create function evaluator_partition(datastream integer) returns smallint language sql immutable
as $$ select (((datastream::bigint * 2654435761) & 4294967295) >> 29)::smallint $$;

-- There was one partition; all eight go on where it stood.
insert into consumer_offset (consumer, partition, writer, batch_no)
select consumer, p, writer, batch_no from consumer_offset, generate_series(1, 7) p
where consumer = 'evaluator' and partition = 0
on conflict do nothing;

-- A start reads what is not NORMAL at once, and the rest of a datastream when it speaks.
create index alert_state_datastream on alert_state (datastream_id);
create index alert_state_on on alert_state (datastream_id) where condition <> 'NORMAL';

-- KPI and live lists ask for the newest entries of the log.
create index alert_event_recorded on alert_event (recorded_at);

-- Late data corrects alerts that are over; they are found by what they are about.
create index alert_about on alert (rule_id, datastream_id);
