// Announced: finds what the operator was notified of, on any store.
import type { Records } from '../records.ts'
import type { Ask } from './walk.ts'

export function readAnnounced(ask: Ask): Pick<Records, 'announced'> {
  return {
    async announced(prefix) {
      const rows = await ask('select key, announced_at from announcements where substr(key, 1, length($1)) = $1', [
        prefix
      ])
      return new Map(rows.map((row) => [String(row['key']).slice(prefix.length), Number(row['announced_at'])]))
    }
  }
}
