// SQLite schema: brings the tables to this program's version. Forward only.
import { readFileSync } from 'node:fs'
import { RelayError } from '../../errors.ts'
import type { Database } from './file.ts'

/** The files that bring the tables to version 1, 2, …: a released file is never changed, only followed by another. */
const migrations = ['1.sql', '2.sql', '3.sql', '4.sql', '5.sql', '6.sql', '7.sql', '8.sql', '9.sql']

/** Migrates the tables. `migrating` is called before those of an earlier version are changed. Throws BAD_DATABASE if they are newer. */
export function bringToVersion(db: Database, migrating: (from: number, to: number) => void = () => {}): void {
  const version = Number(db.get('pragma user_version')?.user_version)
  checkVersion(version)
  if (version > 0 && version < migrations.length) migrating(version, migrations.length)
  for (const [index, file] of migrations.entries()) {
    if (index < version) continue
    db.transaction(() => {
      db.exec(readFileSync(new URL(`./${file}`, import.meta.url), 'utf8'))
      db.exec(`pragma user_version = ${index + 1}`)
    })
  }
}

/** Throws BAD_DATABASE if the tables are of a newer version of the program. */
export function checkVersion(version: number): void {
  const known = migrations.length
  if (version <= known) return
  const text = `the database is of version ${version}, this program knows ${known}: use the newer flux-relay again, or restore the backup from before the upgrade`
  throw new RelayError('BAD_DATABASE', text)
}
