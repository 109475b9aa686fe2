-- Map files that people upload, and the search over what is on the map.

-- An uploaded file is looked at first; then its job asks a person, and takes it in after a yes.
alter table layer_job drop constraint layer_job_state_check;
alter table layer_job add constraint layer_job_state_check
  check (state in ('waiting', 'running', 'asking', 'done', 'failed', 'cancelled'));
alter table layer_job add column stage text;                       -- what a running import does now
alter table layer_job add column stop boolean not null default false; -- somebody wants it to end
alter table layer_job add column preview bytea;                    -- gzipped GeoJSON of the file
alter table layer_job add column refused bytea;                    -- CSV of the rows not taken
create index layer_job_uploads on layer_job (id) where argument ? 'upload';

-- "Trạm Hoà Hiệp (cũ)" -> "tram hoa hiep  cu ". Both strings of translate() run in parallel; the
-- capitals are there because lower() of a database in the C locale knows ASCII alone.
create function search_fold(given text) returns text
  language sql immutable strict parallel safe
  return regexp_replace(lower(translate(normalize(given, NFC),
    'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ'
    'ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ',
    'aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd'
    'aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd')),
    '[^a-z0-9]+', ' ', 'g');

-- The words of a name, each found by its beginning. Of letters, digits and blanks alone the parser
-- makes words and nothing else (no hosts, paths or negative numbers).
create function search_words(given text) returns tsvector
  language sql immutable strict parallel safe
  return to_tsvector('simple'::regconfig, search_fold(given));

alter table thing add column words tsvector generated always as
  (search_words(name || ' ' || short_name || ' ' || external_id)) stored;
create index thing_words on thing using gin (words) where state = 'admitted';
create index thing_alias_words on thing_alias using gin (search_words(external_id));
create index location_words on location using gin (search_words(coalesce(commune_name, '')));
-- No column here: half a million rows of an import would be written twice as wide.
create index layer_feature_words on layer_feature using gin
  (search_words(code || ' ' || name || ' ' || coalesce(properties ->> 'old_names', '')
                || ' ' || coalesce(commune_name, ''))) where until is null;
