-- Version 1. Times are milliseconds since 1970. Texts from Flux are stored as they came. Where much is written no id is
-- `autoincrement`, which costs each row another: an id is not given out again because the newest row is never pruned.

create table events (
  id integer primary key,
  received_at integer not null,
  source text not null,
  cluster text not null,
  kind text not null,
  namespace text not null,
  name text not null,
  severity text not null,
  reason text not null,
  transition text not null,
  -- The key of its object.
  object text not null,
  body text not null,
  trace text not null,
  -- Of source and bytes. Those of the last minutes are kept in memory: a retry of the sender is not news. No index: at
  -- random places, it would cost each event a page of its own.
  identity text
) strict;

create index events_received on events (received_at, transition);
-- The history of one object, of a namespace, of a cluster.
create index events_object on events (object);
create index events_namespace on events (namespace);
create index events_cluster on events (cluster);

-- No index on the time: a heartbeat writes this row and nothing else. Pruning walks the keys instead.
create table objects (
  key text primary key,
  memory text not null,
  seen_at integer not null,
  failing_since integer
) strict, without rowid;

-- Of failing objects only, so that a heartbeat does not touch it.
create index objects_failing on objects (failing_since, key) where failing_since is not null;

create table notifications (
  id integer primary key,
  -- None for what the relay says of itself.
  event_id integer,
  rule text not null,
  destination text not null,
  lane text not null,
  object text not null,
  says text not null,
  state text not null check (state in ('pending', 'sent', 'dead', 'muted')),
  reason text,
  message_id integer,
  created_at integer not null,
  group_key text,
  -- A group is held until its deadline, which is that of its first notification.
  held_until integer not null default 0,
  -- What muted it, and until when that lasts; null once the summary of what was withheld is written.
  mute text,
  muted_until integer
) strict;

-- Message texts. A notification's row is rewritten twice on its way to Slack; its text (about 1 kB) need not be.
create table views (
  id integer primary key,
  view text not null
) strict;

create index notifications_event on notifications (event_id);
create index notifications_message on notifications (message_id) where message_id is not null;
create index notifications_created on notifications (created_at);
-- What was withheld, until the summary at the end of its mute.
create index notifications_muted on notifications (muted_until) where muted_until is not null;
create index notifications_state on notifications (state) where state <> 'sent';
create index notifications_rule on notifications (rule);
create index notifications_to on notifications (destination);
create index notifications_group on notifications (lane, group_key, held_until) where state = 'pending' and group_key is not null;
-- What a lane composes from: in order of acceptance, not yet in a message. Beside what open messages carry, it is all that
-- waits.
create index notifications_waiting on notifications (lane, id, destination) where state = 'pending' and message_id is null;

create table messages (
  id integer primary key autoincrement,
  lane text not null,
  destination text not null,
  state text not null check (state in ('open', 'sent', 'dead')),
  payload text not null,
  is_plain integer not null default 0,
  failures integer not null default 0,
  newest_at integer not null,
  notifications integer not null,
  created_at integer not null,
  settled_at integer
) strict;

-- At most one open message in a lane: order and one request at a time follow from it.
create unique index messages_open on messages (lane) where state = 'open';
create index messages_destination on messages (destination, id);
create index messages_created on messages (created_at);

create table attempts (
  message_id integer not null,
  at integer not null,
  answer text not null
) strict;

create index attempts_message on attempts (message_id);

create table silences (
  id integer primary key autoincrement,
  match text not null,
  comment text not null,
  created_at integer not null,
  ends_at integer not null
) strict;

-- What the operator was notified of, so that it happens once.
create table announcements (
  key text primary key,
  announced_at integer not null
) strict, without rowid;

-- When each source was last heard; under the empty name, which none has, when anyone last listened.
create table sources (
  name text primary key,
  heard_at integer not null
) strict, without rowid;

create table lanes (
  key text primary key,
  tokens real,
  tokens_at integer,
  not_before integer not null default 0,
  block_reason text,
  block_since integer,
  probes integer not null default 0
) strict, without rowid;
