-- Version 6.

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
