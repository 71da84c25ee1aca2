// App routes: list Slack apps at /api/apps, and whether clicks on their buttons reach the relay.
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from '../../src/json-schema.ts'
import { socketStates } from '../../src/slack-socket/standing.ts'
import type { OperatorOptions } from '../options.ts'
import { describe, iso, textOrNull, timeOrNull } from './query.ts'

const AppsReply = Type.Object({
  apps: Type.Array(
    Type.Object({
      app: Type.String(),
      buttons: Type.Enum(['none', ...socketStates], {
        description:
          'none: it has no `appToken`. connected: clicks come. connecting: they do not, for less than five minutes. lost: they ' +
          'do not, and `reason` says why. This is of the process that answers: replicas have connections of their own.'
      }),
      since: timeOrNull('Since when there has been a connection, or none; null without buttons.'),
      reason: textOrNull('Why there is no connection.'),
      advice: textOrNull('What to do about it.')
    })
  )
})

export type ListedApp = Static<typeof AppsReply>['apps'][number]

export function apps(app: FastifyInstance, { config, sockets, clock }: OperatorOptions): void {
  app.get('/api/apps', describe('Slack apps, and whether clicks on their buttons come', AppsReply), async () => {
    const standings = new Map(sockets.standing().map((standing) => [standing.app, standing]))
    return {
      apps: [...config().apps.keys()].map((name) => {
        const { state = 'none', forMs, why, advice } = standings.get(name) ?? {}
        const since = forMs === undefined ? null : iso(clock.now() - forMs)
        return { app: name, buttons: state, since, reason: why ?? null, advice: advice ?? null }
      })
    }
  })
}
