-- Version 6.

-- What operators did. `click` is what the click is known by where it may be delivered twice.
create table acts (
  id integer primary key autoincrement,
  at integer not null,
  name text not null,
  via text not null,
  did text not null,
  about text not null,
  click text
) strict;

create index acts_at on acts (at);
create unique index acts_click on acts (click) where click is not null;

alter table silences add column author text not null default '';
