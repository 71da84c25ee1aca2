// Where the relay runs: addresses, paths and limits from the environment. What it does is in the config file.
import { type Static, Type } from 'typebox'

export const EnvSchema = Type.Object({
  HOST: Type.String({ default: '0.0.0.0' }),
  PORT: Type.Integer({ default: 8080, minimum: 0, maximum: 65_535 }),
  CONFIG_FILE: Type.String({ default: 'config.yaml', minLength: 1 }),
  DATABASE_URL: Type.String({ default: 'sqlite:data/relay.db', pattern: '^sqlite:.+' }),
  ADMIN_TOKEN: Type.String({ default: '' }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'info' }),
  /** Flux limits an event to 3 MiB (notification-controller internal/server/limits.go). */
  MAX_BODY_BYTES: Type.Integer({ default: 3 * 1024 * 1024, minimum: 1024 }),
  /** Notifications waiting for delivery, over which new events are answered 503. */
  MAX_PENDING: Type.Integer({ default: 1_000_000, minimum: 1 })
})

export type Env = Static<typeof EnvSchema>

declare module 'fastify' {
  interface FastifyInstance {
    env: Env
    /** Reads the config file again. */
    reload: () => void
  }
}
