-- Version 5.

-- Messages of an app that are updated while what they name goes on, each with its place in Slack. `due_at` is when it is to be
-- updated; null while it shows what is known. Whoever claims it may update it until `claimed_until`.
create table cards (
  id integer primary key,
  lane text not null,
  destination text not null,
  channel text not null,
  ts text not null,
  posted_at integer not null,
  version integer not null default 0,
  due_at integer,
  updated_at integer not null,
  claim integer not null default 0,
  claimed_until integer not null default 0
) strict;

create index cards_due on cards (due_at) where due_at is not null;
create index cards_posted on cards (posted_at);

-- What a card names: incidents, by object and beginning, and news, which have none.
create table card_entries (
  id integer primary key,
  card_id integer not null,
  lane text not null,
  object text not null,
  rule text not null,
  -- Of the latest that was sent of it.
  event_id integer,
  since integer,
  view text not null
) strict;

create index card_entries_card on card_entries (card_id);
-- An incident has one card in a lane.
create unique index card_entries_incident on card_entries (object, lane, since) where since is not null;

-- The card in whose thread it is a reply, and whether the channel shows it as well.
alter table messages add column card_id integer;
alter table messages add column is_broadcast integer not null default 0;
