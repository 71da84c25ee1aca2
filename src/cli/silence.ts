// `silence`: what a running relay is not to tell for a while.
import { ask, type ClientOptions } from './client.ts'
import { table } from './table.ts'

interface Options extends ClientOptions {
  json?: boolean
}

interface Silence {
  id: string
  match: Record<string, unknown>
  comment: string
  createdAt: string
  endsAt: string
}

interface NewSilence extends Options {
  /** `namespace=db`, as written. */
  match: string[]
  for?: string
  until?: string
  comment?: string
}

/** Adds one that holds back what fits all of `match`; resolves to the exit code. */
export async function addSilence({ json, match, for: lasting, until, comment, ...relay }: NewSilence): Promise<number> {
  const content = { match: matchOf(match), for: lasting, until, comment }
  const { body } = await ask(relay, 'POST', '/api/silences', {}, [201], content)
  process.stdout.write(json ? `${JSON.stringify(body, null, 2)}\n` : `Silence ${body.id} until ${body.endsAt}.\n`)
  return 0
}

export async function listSilences({ json, ...relay }: Options): Promise<number> {
  const { body } = await ask(relay, 'GET', '/api/silences')
  const silences: Silence[] = body.silences
  const rows = silences.map(({ id, match, comment, endsAt }) => [id, endsAt, JSON.stringify(match), comment])
  const listed = rows.length === 0 ? 'There are none.\n' : table(['ID', 'ENDS', 'MATCH', 'COMMENT'], rows)
  process.stdout.write(json ? `${JSON.stringify(body, null, 2)}\n` : listed)
  return 0
}

/** Ends them now, and what they held back is told; resolves to the exit code, 1 where one was not there. */
export async function expireSilences(ids: readonly string[], relay: Options): Promise<number> {
  let code = 0
  for (const id of ids) {
    const { status, body } = await ask(relay, 'DELETE', `/api/silences/${encodeURIComponent(id)}`, {}, [200, 400, 404])
    process.stdout.write(status === 200 ? `Silence ${id} is over.\n` : `${body.message}\n`)
    if (status !== 200) code = 1
  }
  return code
}

/** `["namespace=db,db-*", "metadata.team=shop"]` as a `match:`; what is in it is checked by the relay. */
function matchOf(texts: readonly string[]): Record<string, unknown> {
  const match: Record<string, unknown> = {}
  const metadata: Record<string, unknown> = {}
  for (const text of texts) {
    const [key = '', ...rest] = text.split('=')
    const value = rest.join('=')
    if (key.startsWith('metadata.')) metadata[key.slice('metadata.'.length)] = value.split(',')
    else if (key === 'message') match[key] = { include: [value] }
    else match[key] = key === 'when' ? value : value.split(',')
  }
  return { ...match, ...(Object.keys(metadata).length > 0 && { metadata }) }
}
