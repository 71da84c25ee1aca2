-- Version 6.

-- When a silence begins; null where it began as it was made.
alter table silences add column starts_at bigint;
