// `sources`: lists who posts to a running relay, when each last did, and what was refused.
import type { ListedSource } from '../../routes/api/sources.ts'
import { ask, type ClientOptions } from './client.ts'
import { age, print, table } from './output.ts'
import { painted } from './say.ts'

/** Lists all sources of the config file. Resolves to the exit code. */
export async function listSources({ json, ...relay }: ClientOptions): Promise<number> {
  const { body } = await ask(relay, 'GET', '/api/sources')
  print(json, body, asTable(body.sources))
  return 0
}

const columns = [
  { name: 'SOURCE', least: 12 },
  { name: 'STATE' },
  { name: 'LAST EVENT' },
  { name: 'IN THE LAST HOUR', leaves: 1 },
  { name: 'REFUSED', least: 12 },
  { name: 'CLUSTERS' }
]

function asTable(sources: readonly ListedSource[]): string {
  const rows = sources.map((source) => [
    source.source,
    painted(source.state),
    source.lastEventAt === null ? 'never' : `${age(source.lastEventAt)} ago`,
    String(source.events),
    source.refused.map(({ code, requests }) => `${requests} ${code}`).join(', ') || 'none',
    source.cluster ??
      [...source.clusters.map(({ cluster }) => cluster), ...(source.hasMoreClusters ? ['…'] : [])].join(', ')
  ])
  const unsigned = sources.filter(({ isUnsigned }) => isUnsigned).map(({ source }) => source)
  if (unsigned.length === 0) return table(columns, rows)
  return `${table(columns, rows)}\nunsigned: anyone who reaches the relay can post to ${unsigned.join(', ')}`
}
