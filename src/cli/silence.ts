// `silence`: adds, lists and ends silences of a running relay.
import { ask, type ClientOptions } from './client.ts'
import { parseMatch } from './match.ts'
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

/** Adds a silence for what matches all of `match`, and warns of what no event can match; resolves to the exit code. */
export async function addSilence({ json, match, for: lasting, until, comment, ...relay }: NewSilence): Promise<number> {
  const parsed = parseMatch(match)
  if ('error' in parsed) {
    process.stderr.write(`--match: ${parsed.error}\n`)
    return 2
  }
  const content = { match: parsed, for: lasting, until, comment }
  const { body } = await ask(relay, 'POST', '/api/silences', {}, [201], content)
  for (const warning of body.warnings ?? []) process.stderr.write(`warning: ${warning}\n`)
  process.stdout.write(json ? `${JSON.stringify(body, null, 2)}\n` : `Silence ${body.id} until ${body.endsAt}.\n`)
  return 0
}

export async function listSilences({ json, ...relay }: Options): Promise<number> {
  const { body } = await ask(relay, 'GET', '/api/silences')
  const silences: Silence[] = body.silences
  const rows = silences.map(({ id, match, comment, endsAt }) => [id, endsAt, JSON.stringify(match), comment])
  const listed = rows.length === 0 ? 'None.\n' : table(['ID', 'ENDS', 'MATCH', 'COMMENT'], rows)
  process.stdout.write(json ? `${JSON.stringify(body, null, 2)}\n` : listed)
  return 0
}

/** Ends them now, which sends summaries of what they withheld; resolves to the exit code, 1 where one was not there. */
export async function expireSilences(ids: readonly string[], relay: Options): Promise<number> {
  let code = 0
  for (const id of ids) {
    const { status, body } = await ask(relay, 'DELETE', `/api/silences/${encodeURIComponent(id)}`, {}, [200, 400, 404])
    process.stdout.write(status === 200 ? `Silence ${id} is over.\n` : `${body.message}\n`)
    if (status !== 200) code = 1
  }
  return code
}
