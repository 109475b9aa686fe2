-- Which features of a version are the places of which things: published again when that changes.

alter table layer_version add column joined text;  -- md5 of "code:thing, …"; null: not known
