-- Version 3.

-- Written with each new object, at a random place, and read once in five minutes.
drop index objects_source;
