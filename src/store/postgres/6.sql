-- Version 6.

-- What waits behind the notification of a failure and says how it goes on or ends: whoever withholds or gives up on the one looks for
-- the others. A new failure is not among them, so that it costs nothing.
create index notifications_following on notifications (object, lane, id)
  where state = 'pending' and message_id is null and says <> 'failed';
drop index notifications_end;

-- Where a click comes from.
create index cards_place on cards (channel, ts);
