-- The door: what an account must prove and may see, how long a session may write, what nobody can
-- take back from the audit.

alter table app_user
  add column must_change boolean not null default false,      -- a password somebody else chose
  add column password_changed_at timestamptz not null default now(),
  add column totp_secret text,                                -- base32; counts once confirmed
  add column totp_confirmed_at timestamptz,
  add column totp_step bigint not null default 0,             -- the last step used: no code opens twice
  add column subject text unique,                             -- issuer and sub of an account of the province's sign-on
  add column areas text[],                                    -- commune codes; null: the whole province
  add column domains text[];                                  -- kinds of things; null: every one

create table recovery_code (
  user_id integer not null references app_user (id) on delete cascade,
  code_hash bytea not null,                                   -- SHA-256
  used_at timestamptz,
  primary key (user_id, code_hash)
);

alter table session
  add column number bigint generated always as identity unique,  -- what lists and revocations name
  add column stage text not null default 'open' check (stage in ('open', 'second')),
  add column active_at timestamptz not null default now(),    -- the last sign of a person
  add column address text,
  add column agent text not null default '';

alter table token
  add column areas text[],
  add column domains text[],
  add column created_by text not null default '';

-- ---------------------------------------------------------------- audit

-- Each line is sealed at the commit that wrote it: the seal is the SHA-256 of the seal before it
-- and of each of the line's fields, so that no line can be changed, taken out or put in between
-- without breaking every seal after it. At commit, not at insert, so that only commits wait for
-- one another.
create table audit_seal (
  n bigint primary key,                     -- without holes
  audit_id bigint not null unique,
  hash bytea not null
);

-- Lines may be dropped, after a year, up to a checkpoint: the chain goes on from its hash.
create table audit_checkpoint (
  n bigint primary key,                     -- the last seal that may be dropped
  hash bytea not null,
  made_at timestamptz not null default now()
);

create function audit_hash(previous bytea, line audit) returns bytea language sql stable as $$
  select sha256(previous
    || sha256(convert_to(line.id::text, 'UTF8'))
    || sha256(convert_to(trunc(extract(epoch from line.at) * 1000000)::text, 'UTF8'))
    || sha256(convert_to(line.actor, 'UTF8'))
    || sha256(convert_to(line.action, 'UTF8'))
    || sha256(convert_to(line.object, 'UTF8'))
    || sha256(convert_to(line.detail::text, 'UTF8'))
    || sha256(convert_to(coalesce(line.address, ''), 'UTF8')))
$$;

create function audit_append(line audit) returns void language plpgsql as $$
declare last audit_seal;
begin
  perform pg_advisory_xact_lock(7501017);   -- any number nobody else uses in this database
  -- A restored backup brings its seals along.
  if exists (select 1 from audit_seal where audit_id = line.id) then return; end if;
  select * into last from audit_seal order by n desc limit 1;
  if last.n is null then
    select n, null, hash into last from audit_checkpoint order by n desc limit 1;
  end if;
  insert into audit_seal (n, audit_id, hash)
    values (coalesce(last.n, 0) + 1, line.id, audit_hash(coalesce(last.hash, ''), line));
end $$;

create function audit_sealed() returns trigger language plpgsql as $$
begin
  perform audit_append(new);
  return null;
end $$;

do $$
declare line audit;
begin
  for line in select * from audit order by id loop perform audit_append(line); end loop;
end $$;

create constraint trigger audit_seal_at_commit after insert on audit
  deferrable initially deferred for each row execute function audit_sealed();

create function audit_kept() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and tg_table_name = 'audit' then
    if old.at < now() - interval '12 months' and exists (
      select 1 from audit_seal s join audit_checkpoint c on c.n >= s.n where s.audit_id = old.id)
    then return old; end if;
  end if;
  if tg_op = 'DELETE' and tg_table_name = 'audit_seal' then
    if old.n <= (select max(n) from audit_checkpoint)
      and not exists (select 1 from audit where id = old.audit_id)
    then return old; end if;
  end if;
  raise exception 'the audit is only ever added to' using errcode = 'insufficient_privilege';
end $$;

create trigger audit_kept before update or delete on audit
  for each row execute function audit_kept();
create trigger audit_kept before update or delete on audit_seal
  for each row execute function audit_kept();
create trigger audit_kept before update or delete on audit_checkpoint
  for each row execute function audit_kept();
create trigger audit_not_emptied before truncate on audit execute function audit_kept();
create trigger audit_not_emptied before truncate on audit_seal execute function audit_kept();
create trigger audit_not_emptied before truncate on audit_checkpoint execute function audit_kept();

-- Where the web has a role of its own, it may add and read.
revoke update, delete, truncate on audit, audit_seal, audit_checkpoint from public;

create index audit_failed_logins on audit (address, at) where action = 'login.failed';
create index audit_actor on audit (actor, id);
