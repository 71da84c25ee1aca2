// Applied: reads which objects a controller created, configured or deleted.
import { actionIn } from '../change-log.ts'
import type { Named } from '../dependency.ts'
import type { ObjectRef } from '../flux.ts'
import { listed } from './health.ts'
import { nameOf } from './wording.ts'

export interface Applied extends Named {
  /** `created`, `configured`, `deleted` … */
  action: string
}

/** Maximum number of objects that are kept by name. */
const maxObjects = 50

/**
 * Reads the objects that the lines of `text` report as applied, their number per action, and the number of lines that say something
 * else.
 */
export function appliedIn(text: string): { objects: Applied[]; counts: Map<string, number>; others: number } {
  const objects: Applied[] = []
  const counts = new Map<string, number>()
  let others = 0
  for (const line of text.split('\n')) {
    const trimmed = line.trim()
    if (trimmed === '') continue
    const action = actionIn(trimmed)
    if (action === undefined) {
      others++
      continue
    }
    counts.set(action, (counts.get(action) ?? 0) + 1)
    if (objects.length < maxObjects)
      objects.push({ ...referenceOf(trimmed.slice(0, trimmed.lastIndexOf(' '))), action })
  }
  return { objects, counts, others }
}

function referenceOf(text: string): { kind: string; namespace: string; name: string } {
  const parts = text.slice(0, 600).split('/')
  // An object without a namespace, or, in the style of kubectl before server-side apply, deployment.apps/web.
  const [kind = '', namespace = '', ...rest] =
    parts.length > 2 ? parts : [parts[0]?.split('.', 1)[0] ?? '', '', ...parts.slice(1)]
  return { kind, namespace, name: rest.join('/') }
}

/**
 * Describes what was applied: `1 deleted: Job c; 2 created: Service b, Ingress b`, deletions first, or `Deployment web configured`
 * for one object alone.
 */
export function sayApplied(
  objects: readonly Applied[],
  counts: ReadonlyMap<string, number>,
  object: ObjectRef,
  max: number
): string {
  const changed = [...counts].filter(([action]) => action !== 'unchanged' && action !== 'skipped')
  const shown = (changed.length > 0 ? changed : [...counts]).toSorted(([a], [b]) => rank(a) - rank(b))
  const [only] = objects
  const [action, count] = shown[0] ?? []
  if (shown.length === 1 && count === 1 && objects.length === 1 && only !== undefined) {
    return `${nameOf(only, object)} ${action}`
  }
  let rest = max - shown.reduce((sum, [action, count]) => sum + `${count} ${action}; `.length, 0)
  return shown
    .map(([action, count]) => {
      const members = objects.filter((other) => other.action === action)
      const head = `${count} ${action}`
      const text = listed(head, members, count, object, head.length + Math.max(0, rest))
      rest -= text.length - head.length
      return text
    })
    .join('; ')
}

function rank(action: string): number {
  return ['deleted', 'created'].indexOf(action) < 0 ? 2 : ['deleted', 'created'].indexOf(action)
}
