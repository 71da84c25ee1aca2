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

-- Revisions that are rolled out, and charts that came together, which have none. Rollouts of one scope (a rule, a destination and,
-- unless it is of all, a cluster) follow one another. `due_at` is when there is something to say; null while there is not.
create table rollouts (
  id integer primary key,
  rule text not null,
  destination text not null,
  scope text not null,
  revision text not null,
  head text not null,
  -- What it is said about.
  event_id integer,
  opened_at integer not null,
  last_at integer not null,
  settle_ms integer not null,
  unsaid_since integer,
  said_at integer,
  due_at integer,
  -- By what, by cluster.
  replaced text not null default '{}',
  is_closed integer not null default 0
) strict;

-- A revision that was seen does not begin again.
create unique index rollouts_revision on rollouts (scope, revision) where revision <> '';
create index rollouts_live on rollouts (scope, id) where is_closed = 0;
create index rollouts_due on rollouts (due_at) where due_at is not null;
create index rollouts_last on rollouts (last_at);

-- The objects of a rollout, and how each stands in it. `says_each`: it says so of every revision.
create table rollout_entries (
  rollout_id integer not null,
  object text not null,
  cluster text not null,
  state text not null check (state in ('expected', 'coming', 'applied', 'failing')),
  at integer not null,
  said text not null,
  says_each integer not null,
  primary key (rollout_id, object)
) strict;

create index rollout_entries_failing on rollout_entries (object) where state = 'failing';

-- The rollout that a message shows which is updated.
alter table cards add column rollout_id integer;

create index cards_rollout on cards (rollout_id) where rollout_id is not null;

-- It ends when none of the objects that it is about fails any more.
alter table silences add column until_recovered integer not null default 0;
