-- Version 2.

-- When `not_before` was written: a deadline from a clock that has been set back since is none.
alter table lanes add column set_at integer;

-- Through which source an object was first heard of, empty where that is not known: none may fill the table. A heartbeat
-- leaves it alone, and so the index.
alter table objects add column source text not null default '';
update objects set source = coalesce(
  (select events.source from events where events.object = objects.key order by events.id desc limit 1), '');
create index objects_source on objects (source);
