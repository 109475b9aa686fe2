-- What a published version is besides its document: where it lies, coarser areas, tiles.

alter table layer_version
  add column bounds box,                    -- of all features, WGS 84; null: none, or from before
  add column geometry text not null default 'any',  -- point, line, area, any
  add column overview bytea,                -- gzipped GeoJSON of areas at 200 m
  add column tiled boolean not null default false;  -- too many features for one document

-- Vector tiles of versions that have them: those above the detailed zooms are made at publishing.
create table layer_tile (
  layer text not null,
  version text not null,
  z smallint not null,
  x integer not null,
  y integer not null,
  body bytea not null,                      -- gzipped MVT
  primary key (layer, version, z, x, y),
  foreign key (layer, version) references layer_version (layer, version) on delete cascade
);
