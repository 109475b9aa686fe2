-- Which parents were learned from messages: those may move, a person's word stays.

alter table thing add column parent_learned boolean not null default false;
