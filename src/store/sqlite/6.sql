-- Version 6.

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
