-- Version 7.

-- When a silence begins; null where it began as it was made.
alter table silences add column starts_at integer;
