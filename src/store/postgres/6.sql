-- Version 6.

-- It ends when none of the objects that it is about fails any more.
alter table silences add column until_recovered integer not null default 0;
