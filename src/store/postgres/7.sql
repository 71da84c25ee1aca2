-- Version 7.

-- What a mute withholds from a destination is found without all that others withhold. Both names may be longer than a key.
drop index notifications_muted;
create index notifications_muted on notifications (muted_until, hashtext(mute || destination), id) where muted_until is not null;
