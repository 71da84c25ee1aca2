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

-- What a card has shown, the newest last: its message first, then each update. Of many the first go.
create table card_versions (
  id integer primary key,
  card_id integer not null,
  at integer not null,
  payload text not null
) strict;

create index card_versions_card on card_versions (card_id);

-- The message that it was posted as; null of cards that were posted before.
alter table cards add column message_id integer;
-- The claim whose update was the last to be taken: where it is the latest, the newest version is what Slack shows.
alter table cards add column shown_claim integer not null default 0;
create index cards_message on cards (message_id) where message_id is not null;

-- What is in its thread.
create index messages_card on messages (card_id) where card_id is not null;

-- When a silence begins; null where it began as it was made.
alter table silences add column starts_at integer;
