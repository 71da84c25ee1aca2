// `sources`: lists who posts to a running relay, when each last did, and what was refused.
import type { ListedSource } from '../../routes/api/sources.ts'
import { ask, type ClientOptions } from './client.ts'
import { print, table } from './output.ts'

/** Lists all sources of the config file; resolves to the exit code. */
export async function listSources({ json, ...relay }: ClientOptions): Promise<number> {
  const { body } = await ask(relay, 'GET', '/api/sources')
  print(json, body, asTable(body.sources))
  return 0
}

function asTable(sources: readonly ListedSource[]): string {
  const rows = sources.map((source) => [
    source.source,
    source.state,
    source.lastEventAt?.replace(/\.\d+Z$/, 'Z') ?? 'never',
    String(source.events),
    source.refused.map(({ code, requests }) => `${requests} ${code}`).join(', ') || 'none',
    source.cluster ??
      [...source.clusters.map(({ cluster }) => cluster), ...(source.hasMoreClusters ? ['…'] : [])].join(', ')
  ])
  const header = ['SOURCE', 'STATE', 'LAST EVENT', 'IN THE LAST HOUR', 'REFUSED', 'CLUSTERS']
  return table(header, rows, process.stdout.isTTY ? process.stdout.columns : undefined)
}
