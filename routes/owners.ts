// Owners: says whose an object is by the config file as it is now, for the pages and the API.
import { createOwnership, type OwnerOf } from '../src/dashboard/trouble.ts'
import type { OperatorOptions } from './options.ts'

/** What it returns is asked anew for each request: the file may have changed. */
export function createOwners(config: OperatorOptions['config']): () => OwnerOf {
  let last: { owners: unknown; rules: unknown; ownerOf: OwnerOf } | undefined
  return () => {
    const { owners, rules } = config()
    if (last?.owners !== owners || last.rules !== rules)
      last = { owners, rules, ownerOf: createOwnership(owners, rules) }
    return last.ownerOf
  }
}
