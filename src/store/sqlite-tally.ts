// How much waits for each destination, kept by SQLite itself as rows change: whatever changes them, it is right, and asking
// costs the same however much waits.
import type { Database } from './database.ts'
import type { Tally } from './store.ts'

// Temporary: it is of this connection, in memory, and what a transaction that fails has counted is taken back with it.
const createSql = `
  create temp table tally (
    destination text primary key,
    pending integer not null default 0,
    buried integer not null default 0
  ) strict, without rowid;

  insert into tally select destination, count(*), 0 from notifications where state = 'pending' group by destination;

  create temp trigger tally_new after insert on main.notifications when new.state = 'pending' begin
    insert into tally values (new.destination, 1, 0) on conflict (destination) do update set pending = pending + 1;
  end;

  create temp trigger tally_changed after update of state on main.notifications when new.state <> old.state begin
    insert into tally (destination) values (new.destination) on conflict (destination) do nothing;
    update tally set
      pending = pending + (new.state = 'pending') - (old.state = 'pending'),
      buried = buried + (new.state = 'dead')
    where destination = new.destination;
  end`

/** Begins to count; the function reads what was counted. */
export function createTally(db: Database): () => ReadonlyMap<string, Tally> {
  db.exec(createSql)
  return () =>
    new Map(
      db
        .all('select destination, pending, buried from tally')
        .map((row) => [String(row.destination), { pending: Number(row.pending), buried: Number(row.buried) }])
    )
}
