// A source: who may post events, one for each Flux Provider or cluster.
import { type Static, Type } from 'typebox'
import type { Credentials } from './signature.ts'

export const SourceSchema = Type.Object(
  {
    hmacKeys: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
    tokens: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
    cluster: Type.Optional(Type.String({ minLength: 1, maxLength: 253 }))
  },
  { additionalProperties: false }
)

export type SourceText = Static<typeof SourceSchema>

export interface Source extends Credentials {
  name: string
  cluster: string | undefined
}
