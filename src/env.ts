// Environment: reads addresses, paths and limits. What the relay does is in the config file.
import env from '@fastify/env'
import type { FastifyInstance } from 'fastify'
import { RelayError } from './errors.ts'
import { type Static, Type } from './json-schema.ts'

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** Paths are added to this address, and everybody who gets a message reads it: it has no query and no password. */
const publicUrl = '^https?://([^\\s<>|@?#/:\\[\\]]+|\\[[0-9a-fA-F:.]+\\])(:[0-9]{1,5})?(/[^\\s<>|?#]*)?$'

export const EnvSchema = Type.Object({
  HOST: Type.String({ default: '0.0.0.0' }),
  PORT: Type.Integer({ default: 8080, minimum: 0, maximum: 65_535 }),
  CONFIG_FILE: Type.String({ default: 'config.yaml', minLength: 1 }),
  DATABASE_URL: Type.String({ default: 'sqlite:data/relay.db', pattern: '^(sqlite|postgres(ql)?):.+' }),
  /** Not blank, which would be everybody's first guess. No header has control characters, and bytes that are not UTF-8 are lost. */
  ADMIN_TOKEN: Type.String({ default: '', pattern: '^$|^(?=.*\\S)\\s*[^\\p{Cc}\ufffd]*\\s*$' }),
  /** Who may administer without ADMIN_TOKEN: whoever is on this machine. */
  ADMIN_OPEN_TO: Type.Optional(Type.Enum(['loopback'])),
  /** The address at which browsers reach the relay: messages link to pages there. */
  PUBLIC_URL: Type.Optional(Type.String({ pattern: publicUrl, maxLength: 300 })),
  LOG_LEVEL: Type.Enum(levels, { default: 'info' }),
  /**
   * notification-controller takes events of up to 3 MiB (internal/server/limits.go) and adds the `eventMetadata` of the Alert. Its
   * encoder writes each <, > and & of that as six bytes.
   */
  MAX_BODY_BYTES: Type.Integer({ default: 4 * 1024 * 1024, minimum: 1024 }),
  /** The number of notifications waiting for delivery beyond which new events are answered 503. */
  MAX_PENDING: Type.Integer({ default: 1_000_000, minimum: 1 })
})

export type Env = Static<typeof EnvSchema>

declare module 'fastify' {
  interface FastifyInstance {
    env: Env
    /** Reads the config file again. */
    reload: () => void
    /** Resolves once no lane is at work. */
    idle: () => Promise<void>
  }
}

/** Sets `app.env`. Throws BAD_CONFIG, naming everything that is wrong. */
export async function readEnvironment(
  app: FastifyInstance,
  environment: Record<string, string | undefined>
): Promise<void> {
  const data = Object.fromEntries(Object.entries(environment).flatMap(plain))
  // `docker run --env-file` passes quotes on, and a token with quotes would be another token.
  const quoted = Object.keys(EnvSchema.properties).filter((name) => /^(["']).*\1$/.test(data[name] ?? ''))
  if (quoted.length > 0)
    throw new RelayError('BAD_CONFIG', `the environment has errors: take out the quotes around ${quoted.join(', ')}`)
  try {
    await app.register(env, { schema: EnvSchema, confKey: 'env', env: false, data })
  } catch (error) {
    const { message, errors = [] } = error as Error & { errors?: { instancePath: string }[] }
    const names = [...new Set(errors.map(({ instancePath }) => instancePath.slice(1)))]
    const faults = names.map((name) => `${name} has to be ${wanted[name] ?? 'something else'}`)
    throw new RelayError('BAD_CONFIG', `the environment has errors: ${faults.join('; ') || message}`)
  }
}

/**
 * Drops empty variables: compose files and manifests write one that is not set so. Values are trimmed, because `echo` ends them in a
 * line end. A token is not trimmed, so that one of spaces is refused: nobody may believe that it protects anything.
 */
function plain([name, value = '']: [string, string | undefined]): [string, string][] {
  const text = name === 'ADMIN_TOKEN' ? value : value.trim()
  return text === '' ? [] : [[name, text]]
}

/** What each variable has to be, for the message about a wrong one. */
const wanted: Record<string, string> = {
  PORT: 'a number from 0 to 65535',
  CONFIG_FILE: 'the path of a file',
  DATABASE_URL: 'sqlite:<path> or postgres://…',
  ADMIN_TOKEN:
    'one line of text in UTF-8, without tabs or other control characters, such as what `openssl rand -hex 32` prints',
  ADMIN_OPEN_TO: 'loopback, or not set',
  PUBLIC_URL:
    'an address that begins with https:// or http://, such as https://relay.acme.dev, of at most 300 characters, without spaces, ' +
    'anything after its path, or a password, which every message would show',
  LOG_LEVEL: `one of ${levels.join(', ')}`,
  MAX_BODY_BYTES: 'a whole number of bytes from 1024 on, such as 4194304',
  MAX_PENDING: 'a whole number from 1 on'
}
