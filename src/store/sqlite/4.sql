-- Version 4.

-- What a lane remembers of a cause: when the last message about it was composed, how many there were before it, how long what
-- follows is held, and when each mention was last sent for it.
create table gatherings (
  lane text not null,
  cause text not null,
  posted_at integer not null,
  step integer not null,
  gap_ms integer not null,
  pinged text not null
) strict;

create unique index gatherings_cause on gatherings (lane, cause);
create index gatherings_posted on gatherings (posted_at);

-- How often it was held to be gathered with others, and when `held_until` was set for that: a deadline from a clock that has
-- been set back since is none.
alter table notifications add column holds integer not null default 0;
alter table notifications add column held_at integer;
-- What is due comes first: what is held need not be read for it, however much that is.
drop index notifications_waiting;
create index notifications_waiting on notifications (lane, held_until, id, destination)
  where state = 'pending' and message_id is null;

-- What becomes of its causes' gatherings once it is sent.
alter table messages add column gathered text not null default '[]';
