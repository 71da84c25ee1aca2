// `acts`: lists what operators did to a running relay, by whom, when, through what.
import type { ListedAct } from '../../routes/api/acts.ts'
import { sayAct } from '../dashboard/act-words.ts'
import { collect, type ListOptions, mentionMore, sayNone } from './list.ts'
import { age, print, table } from './output.ts'

const filters = ['did', 'name', 'via', 'since']

const columns = [{ name: 'AGO' }, { name: 'WHO', least: 8 }, { name: 'VIA', leaves: 1 }, { name: 'WHAT' }]

/** Lists the acts that match, newest first. Resolves to the exit code. */
export async function listActs(options: ListOptions & Record<string, unknown>): Promise<number> {
  const query = Object.fromEntries(filters.map((name) => [name, options[name] as string | undefined]))
  const { items, next } = await collect<ListedAct>(options, 'acts', query, Number(options.limit))
  const rows = items.map(({ at, name, via, did, about }) => [age(at), name, via, sayAct(did, about)])
  print(options.json, { acts: items, next }, rows.length === 0 ? sayNone(query) : table(columns, rows))
  mentionMore({ next }, options)
  return 0
}
