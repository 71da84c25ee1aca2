// Owners: finds the owner of an object by the current config file, for the pages and the API.
import { createOwnership, type OwnerOf } from '../src/dashboard/trouble.ts'
import type { OperatorOptions } from './options.ts'

/** Call the result once per request: the config file may have changed since. */
export function createOwners(config: OperatorOptions['config']): () => OwnerOf {
  let last: { owners: unknown; rules: unknown; ownerOf: OwnerOf } | undefined
  return () => {
    const { owners, rules } = config()
    if (last?.owners !== owners || last.rules !== rules)
      last = { owners, rules, ownerOf: createOwnership(owners, rules) }
    return last.ownerOf
  }
}
