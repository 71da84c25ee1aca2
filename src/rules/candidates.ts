// Candidates: pick the rules that an event could match, so that a thousand rules cost what a few do.
import type { Subject } from './expression.ts'
import type { Rule } from './rule.ts'

/** As many reasons why rules did not fire are kept with an event. More would weigh more than the event. */
export const maxPassedOver = 50

// Names come with events, so there is no end of them.
const maxKinds = 200
const maxNamespaces = 2000

/**
 * A function from an event to the rules that are not about other kinds; where those are many, nor about other namespaces.
 * It keeps what it found, so it is asked once for each kind and namespace.
 */
export function createCandidates(all: readonly Rule[]): (subject: Subject) => readonly Rule[] {
  const ofKind = remembering(maxKinds, (subject) => narrow(all, 'kind', subject))
  const ofNamespace = remembering(maxNamespaces, (subject) =>
    narrow(ofKind(kindOf(subject), subject), 'namespace', subject)
  )
  return (subject) => {
    const rules = ofKind(kindOf(subject), subject)
    if (rules.length <= maxPassedOver) return rules
    return ofNamespace(`${kindOf(subject)}\n${subject.event.object.namespace}`, subject)
  }
}

function kindOf({ event }: Subject): string {
  return event.object.kind
}

/** Without the rules whose condition on `key` alone keeps them from firing. */
function narrow(rules: readonly Rule[], key: 'kind' | 'namespace', subject: Subject): readonly Rule[] {
  return rules.filter(({ conditions }) =>
    conditions.every((condition) => condition.key !== key || condition.matches(subject) === true)
  )
}

function remembering(limit: number, find: (subject: Subject) => readonly Rule[]) {
  const known = new Map<string, readonly Rule[]>()
  return (name: string, subject: Subject): readonly Rule[] => {
    let rules = known.get(name)
    if (rules === undefined) {
      if (known.size >= limit) known.clear()
      rules = find(subject)
      known.set(name, rules)
    }
    return rules
  }
}
