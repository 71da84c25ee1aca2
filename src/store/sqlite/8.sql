-- Version 8.

-- By rowid, with its key beside: among rows of half a kilobyte in the order of their keys, each new object moves its neighbours,
-- and a page leads to six others only.
create table objects_by_row (
  key text not null primary key,
  memory text not null,
  seen_at integer not null,
  failing_since integer,
  source text not null default ''
) strict;

insert into objects_by_row (key, memory, seen_at, failing_since, source)
  select key, memory, seen_at, failing_since, source from objects order by key;
drop table objects;
alter table objects_by_row rename to objects;

create index objects_failing on objects (failing_since, key) where failing_since is not null;
