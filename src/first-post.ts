// The client for Slack comes with the first post: a relay that has nothing to say yet is ready without it.
import type { Slack } from './deliver/slack.ts'
import { proxiesIn } from './env.ts'

/** Throws BAD_CONFIG where there is a proxy that is none: not when the first message waits for it. */
export async function openSlack(environment: Record<string, string | undefined>): Promise<Slack> {
  const load = async () => (await import('./deliver/slack.ts')).createSlack()
  let loading: Promise<Slack> | undefined
  const loaded = () => {
    loading ??= load()
    return loading
  }
  if (proxiesIn(environment).length > 0) await loaded()
  return {
    post: async (url, body, signal) => (await loaded()).post(url, body, signal),
    close: async () => (await loading)?.close()
  }
}
