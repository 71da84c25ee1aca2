// Sockets: keeps one connection for each Slack app that has buttons, as the config file has them now.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Slack } from '../deliver/slack.ts'
import type { Metrics } from '../metrics.ts'
import { buttons } from '../render/compose/buttons.ts'
import type { SlackApp, Socket } from '../slack-api/app.ts'
import type { Connect } from './connection.ts'
import { type OpenSocket, openSocket } from './socket.ts'
import type { SocketStanding } from './standing.ts'

export interface SocketsOptions {
  apps: () => ReadonlyMap<string, SlackApp>
  slack: Slack
  /** Resolves once what a payload asks for is on disk. */
  take(app: SlackApp, payload: unknown): Promise<void>
  metrics: Pick<Metrics, 'slackSockets' | 'clicks'>
  clock: Clock
  log: Logger
}

export interface Sockets {
  /** The standing of each socket of this process, with the name of its app. */
  standing(): SocketStanding[]
  /** Opens the sockets that are new, and closes those that are gone. */
  follow(): Promise<void>
  stop(): Promise<void>
}

export function createSockets({ apps, take, metrics, ...options }: SocketsOptions): Sockets {
  const open = new Map<string, { key: string; socket: OpenSocket }>()
  let connector: { connect: Connect; close(): Promise<void> } | undefined
  let isStopped = false

  /** What a socket is opened with: if that changes, it is another socket. */
  const keyOf = ({ apiUrl, socket }: SlackApp) => `${apiUrl} ${socket?.appToken}`

  /** Begins the series at 0: one that begins at 1 has not increased, as far as Prometheus knows. */
  function beginSeries(): void {
    for (const button of Object.keys(buttons)) metrics.clicks.inc({ button, outcome: 'done' }, 0)
  }

  async function close(name: string): Promise<void> {
    const { socket } = open.get(name) ?? {}
    open.delete(name)
    await socket?.stop()
    metrics.slackSockets.remove({ app: name })
  }

  return {
    standing: () => [...open.values()].map(({ socket }) => socket.standing()),
    async follow() {
      const wanted = [...apps().values()].filter(
        (app): app is SlackApp & { socket: Socket } => app.socket !== undefined
      )
      const keys = new Map(wanted.map((app) => [app.name, keyOf(app)]))
      await Promise.all([...open].filter(([name, { key }]) => keys.get(name) !== key).map(([name]) => close(name)))
      if (wanted.length === 0) return
      // Loaded only now: a relay without buttons has no use for this client.
      if (connector === undefined) beginSeries()
      connector ??= (await import('./connection.ts')).createConnector(options.clock)
      const { connect } = connector
      // A change of the config file may still be taking effect while the relay stops.
      if (isStopped) return
      for (const app of wanted) {
        const { name } = app
        if (open.has(name)) continue
        const socket = openSocket({
          ...options,
          ...{ app, connect },
          // The config file as it is now says who may press a button.
          take: (payload) => take(apps().get(name) ?? app, payload),
          turned: (isConnected) => metrics.slackSockets.set({ app: name }, isConnected ? 1 : 0)
        })
        open.set(name, { key: keyOf(app), socket })
      }
    },
    async stop() {
      isStopped = true
      await Promise.all([...open.keys()].map(close))
      await connector?.close()
    }
  }
}
