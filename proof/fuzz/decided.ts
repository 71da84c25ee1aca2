// Decisions: rehearse events with a config file, one after the other, without a store.
import { type Config, loadConfig } from '../../src/config/config.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { decide } from '../../src/decide.ts'
import { normalise, type WireEvent } from '../../src/events/flux.ts'
import type { ObjectMemory } from '../../src/objects/memory.ts'
import { objectKey } from '../../src/objects/name.ts'
import type { View } from '../../src/render/compose/view.ts'
import type { Decision } from '../../src/store/kept.ts'

export const now = Date.UTC(2026, 8, 21, 15)

const loaded = new Map<string, Config>()

/** Loads the config in `text`; throws if it has faults. */
export function configOf(text: string): Config {
  const known = loaded.get(text)
  if (known !== undefined) return known
  const { config, problems } = loadConfig(text, 'config.yaml', {})
  if (config === undefined) throw new Error(problems.map(formatProblem).join('\n'))
  loaded.set(text, config)
  return config
}

export function decidedBy(config: string | Config, events: readonly WireEvent[]): Decision[] {
  const rules = typeof config === 'string' ? configOf(config) : config
  const memories = new Map<string, ObjectMemory>()
  return events.map((wire) => {
    const event = normalise(wire, { source: 'default', cluster: undefined, defaultCluster: 'prod' }, now)
    const key = objectKey(event.object)
    const decision = decide({ event, body: '', identity: '', receivedAt: now }, memories.get(key), rules, now)
    memories.set(key, decision.memory)
    return decision
  })
}

/** The views of `decisions` as they come out of the database. */
export function viewsIn(decisions: readonly Decision[]): View[] {
  return decisions.flatMap(({ notifications }) =>
    notifications.map(({ view }) => JSON.parse(JSON.stringify(view)) as View)
  )
}
