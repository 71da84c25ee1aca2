// Lazy Slack client: loads the client with the first post, so that a relay with nothing to send is ready without it.
import { createRequire } from 'node:module'
import { proxiesIn } from '../env-secrets.ts'
import { RelayError } from '../errors.ts'
import type { Slack } from './slack.ts'

/** A client that is loaded when it is first needed. */
export interface LateSlack extends Slack {
  /** Throws CANNOT_POST if the client could not be loaded, after another try: nobody else may try before an event comes. */
  ready(): Promise<void>
}

const require = createRequire(import.meta.url)

/** Opens a lazy client. Throws BAD_CONFIG for a malformed proxy address at the start, not when the first message is due. */
export async function openSlack(environment: Record<string, string | undefined>): Promise<LateSlack> {
  let loading: Promise<Slack> | undefined
  /** Why the last try failed, until another one works. */
  let failure: NodeJS.ErrnoException | undefined

  function loaded(): Promise<Slack> {
    loading ??= load().then(
      (slack) => {
        failure = undefined
        return slack
      },
      (error) => {
        // The process may be out of file descriptors or memory for a moment: the next post tries again.
        loading = undefined
        failure = error
        throw error
      }
    )
    return loading
  }

  if (proxiesIn(environment).length > 0) await loaded()
  return {
    async post(url, body, signal, token) {
      try {
        const slack = await loaded()
        return await slack.post(url, body, signal, token)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        return { is: 'failure', code: typeof code === 'string' && /^\w{2,40}$/.test(code) ? code : 'NoClient' }
      }
    },
    async ready() {
      if (failure === undefined) return
      await loaded().catch((cause: unknown) => {
        throw new RelayError('CANNOT_POST', 'the client for Slack cannot be loaded; the log says why', { cause })
      })
    },
    close: async () => (await loading?.catch(() => undefined))?.close()
  }
}

async function load(): Promise<Slack> {
  // After a failure, `require` runs a CommonJS module again; `import` never does, and keeps the error.
  require('undici')
  return (await import('./slack.ts')).createSlack()
}
