-- What the catalogue of limits once gave to a station: it is given once, so that a limit somebody
-- took away stays away, and one that somebody changed stays as it is.
create table legal_limit_seed (
  thing_id integer not null references thing (id) on delete cascade,
  property text not null,
  window_s integer,
  basis text not null,
  valid_from date,
  unique nulls not distinct (thing_id, property, window_s, basis, valid_from)
);
