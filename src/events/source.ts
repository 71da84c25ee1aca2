// Source: defines who may post events, one for each Flux Provider or cluster.
import { type Static, Type } from 'typebox'
import { about } from '../about.ts'
import { Duration } from '../duration.ts'
import type { Credentials } from './signature.ts'

export const SourceSchema = Type.Object(
  {
    hmacKeys: Type.Optional(
      about(
        Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
        'Signing keys',
        'The `token` of the Secret of a Provider of type `generic-hmac`, with which Flux signs what it posts. List the old and the new one while you rotate. Write `${VARIABLE}` or `${file:/path}`, not the key itself.',
        ['${FLUX_HMAC_KEY}'],
        ['${FLUX_HMAC_KEY}', '${file:/run/secrets/old-key}']
      )
    ),
    tokens: Type.Optional(
      about(
        Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
        'Bearer tokens',
        'For a Provider of type `generic`, which does not sign: what stands behind `Authorization: Bearer` in the `headers` of its Secret. With keys and tokens, either will do.',
        ['${file:/run/secrets/flux-token}']
      )
    ),
    cluster: Type.Optional(
      about(
        Type.String({ minLength: 1, maxLength: 253 }),
        'Cluster',
        'The cluster that this source speaks for, and no source without it. It wins over what an event says of itself in `metadata.cluster`, which tenants can set. Of several sources, all but one need it.',
        'prod-eu'
      )
    ),
    expectEvery: Type.Optional(
      about(
        Duration,
        'How often to expect an event',
        'If nothing comes for longer, `operator` is notified that the source is quiet, and when it is back. With `eventSeverity: info` Flux posts one at every `interval` of every Kustomization: three times the shortest is a good choice. At least `1m`. Without it, the dashboard shows the source as quiet after an hour, or ten times the usual gap where that is longer, and nobody is notified.',
        '30m'
      )
    )
  },
  { additionalProperties: false }
)

export type SourceText = Static<typeof SourceSchema>

export interface Source extends Credentials {
  name: string
  cluster: string | undefined
  /** Undefined where it may be quiet for as long as it likes. */
  expectMs: number | undefined
}
