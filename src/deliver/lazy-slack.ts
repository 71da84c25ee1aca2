// Lazy Slack client: loads with the first post, so that a relay with nothing to send is ready without it.
import { createRequire } from 'node:module'
import { proxiesIn } from '../env-secrets.ts'
import { RelayError } from '../errors.ts'
import type { Slack } from './slack.ts'

/** A client that is loaded when it is needed. */
export interface LateSlack extends Slack {
  /** Throws CANNOT_POST while the client could not be loaded, after another try: nobody else may ask before an event comes. */
  ready(): Promise<void>
}

const require = createRequire(import.meta.url)

/** Throws BAD_CONFIG for a malformed proxy address at the start, not when the first message is due. */
export async function openSlack(environment: Record<string, string | undefined>): Promise<LateSlack> {
  let loading: Promise<Slack> | undefined
  /** Why the last try failed, as long as no other has worked. */
  let failure: NodeJS.ErrnoException | undefined

  function loaded(): Promise<Slack> {
    loading ??= load().then(
      (slack) => {
        failure = undefined
        return slack
      },
      (error) => {
        // Out of file descriptors or memory for a moment: the next post tries again.
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
  // A CommonJS module that failed once is run again by `require` and never again by `import`, which keeps the error.
  require('undici')
  return (await import('./slack.ts')).createSlack()
}
