-- What a thing's own word on its life came with (tamper, no signal, which recorder is gone): one row
-- for each stored state that says more than itself, so the history of changes is exact however late
-- a message comes. Goes with the observation it belongs to.
create table status_detail (
  datastream_id integer not null,
  phenomenon_time timestamptz not null,
  detail text not null check (detail <> ''),
  primary key (datastream_id, phenomenon_time)
);
create index status_detail_time on status_detail using brin (phenomenon_time);
