// `sources`: lists who posts to a running relay, when each last did, and what was refused.
import { ask, type ClientOptions, table } from './client.ts'

interface Source {
  source: string
  state: string
  lastEventAt: string | null
  events: number
  cluster: string | null
  clusters: { cluster: string }[]
  hasMoreClusters: boolean
  refused: { code: string; requests: number }[]
}

/** Lists all sources of the config file; resolves to the exit code. */
export async function listSources({ json, ...options }: ClientOptions & { json?: boolean }): Promise<number> {
  const { body } = await ask(options, 'GET', '/api/sources')
  process.stdout.write(json ? `${JSON.stringify(body, null, 2)}\n` : asTable(body.sources))
  return 0
}

function asTable(sources: readonly Source[]): string {
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
