-- A datastream is known by the raw name its device gives it; what it measures is a separate fact.

alter table datastream
  add column name text,                     -- raw key path, levels joined by "/"
  add column sent_unit text not null default '',  -- as sent; unit is what is stored and shown
  add column code text;                     -- within the thing, for addresses: property or "/" + name
update datastream set name = property, code = property;
alter table datastream
  alter column name set not null,
  alter column code set not null,
  drop constraint datastream_thing_id_property_key,
  add unique (thing_id, name, sent_unit),
  add unique (thing_id, code);

-- The result as sent, where its unit was converted; null: result is as sent.
alter table observation add column original double precision;
alter table observation_correction add column original double precision;
