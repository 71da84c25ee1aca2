// Act reading: finds pages of the audit log on any store. Acts are few, because people make them.
import { type ActRecord, maxPage, type Records } from '../records.ts'
import type { ActRow } from '../rows.ts'
import { type Ask, Conditions, idOf } from './walk.ts'

export function readActs(ask: Ask): Pick<Records, 'acts'> {
  return {
    async acts({ since, ...wanted }, { limit, cursor, order }) {
      const conditions = new Conditions()
      const isUp = order === 'asc'
      const where = [
        'true',
        ...conditions.equal('acts', wanted),
        ...(since === undefined ? [] : [`at >= ${conditions.put(since)}`]),
        ...(cursor === undefined ? [] : [`id ${isUp ? '>' : '<'} ${idOf(cursor, 'cursor')}`])
      ]
      const most = Math.min(limit, maxPage)
      const rows = await ask(
        `select id, at, name, via, did, about from acts where ${where.join(' and ')}
         order by id ${isUp ? 'asc' : 'desc'} limit ${most + 1}`,
        conditions.values
      )
      const items = rows.slice(0, most).map((row) => actOf(row as unknown as ActRow))
      return { items, next: rows.length > most ? (items.at(-1)?.id ?? null) : null }
    }
  }
}

function actOf({ id, at, name, via, did, about }: ActRow): ActRecord {
  return { id: String(id), at: Number(at), name, via, did, about: JSON.parse(about) as ActRecord['about'] }
}
