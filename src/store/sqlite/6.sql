-- Version 6.

-- What is held to see whether its failure lasts: `held_at` says since when, and it was never gathered. An event looks there only
-- where its object has some.
create index notifications_lasting on notifications (object)
  where state = 'pending' and message_id is null and holds = 0 and held_at is not null;
