-- Version 9.

-- What a mute withholds from a destination is found without all that others withhold.
drop index notifications_muted;
create index notifications_muted on notifications (muted_until, mute, destination) where muted_until is not null;
