-- Version 6.

-- What is held to see whether its failure lasts: `held_at` says since when, and it was never gathered. An event looks there only
-- where its object has some.
create index notifications_lasting on notifications (object)
  where state = 'pending' and message_id is null and holds = 0 and held_at is not null;

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
