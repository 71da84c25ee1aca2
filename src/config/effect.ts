// Effect: finds matchers that match no event, options that nothing heeds, and templates that nothing uses.
import { parseDuration } from '../duration.ts'
import type { Fault } from '../errors.ts'
import { globCovers } from '../patterns.ts'
import { asksForFailures, goodNewsFaults, type Known, matcherFaults, neverFaults, whyNoKey } from '../rules/never.ts'
import { severitiesOf } from '../rules/schema.ts'
import type { ConfigText } from './schema.ts'

type Path = Fault['path']

/** Finds everything in `text` that can never take effect, whatever events come. */
export function effectFaults(text: ConfigText, known: Known): Fault[] {
  const { rules, links = [], mute = [], severities = [], show = [] } = text
  const isRaised = severities.some(({ severity }) => severity !== 'info')
  return [
    ...rules.flatMap(({ match = {} }, at) => neverFaults(match, ['rules', at, 'match'], known, 'error')),
    ...rules.flatMap(({ match = {} }, at) => (isRaised ? [] : goodNewsFaults(match, ['rules', at, 'match']))),
    ...show.flatMap((key, at) => {
      const message = whyNoKey(key)
      return message === undefined ? [] : [{ path: ['show', at], message, isWarning: true }]
    }),
    ...links.flatMap(({ match = {} }, at) => neverFaults(match, ['links', at, 'match'], known)),
    ...mute.flatMap(({ match }, at) => neverFaults(match, ['mute', at, 'match'], known)),
    ...severities.flatMap(({ kind, reason }, at) =>
      matcherFaults({ ...(kind && { kind }), ...(reason && { reason }) }, ['severities', at], known)
    ),
    ...idleOptions(text),
    ...idleSeverities(text),
    ...idleLinks(text)
  ]
}

function idleOptions({ rules }: ConfigText): Fault[] {
  const idle = (path: Path, why: string): Fault => ({ path, message: `has no effect: ${why}`, isWarning: true })
  return rules.flatMap((rule, at): Fault[] => {
    const { match, mention, remindEvery, notify, group, for: lasts } = rule
    if (rule.as === 'rollout') return idleOfRollouts(rule, ['rules', at])
    const strays = (['by', 'settle'] as const).filter((key) => rule[key] !== undefined)
    if (strays.length > 0) return strays.map((key) => idle(['rules', at, key], 'it is for `as: rollout`'))
    const reminds = remindEvery !== undefined && remindEvery !== 'never'
    const onlyNews = !asksForFailures(match)
    return [
      ...(onlyNews && mention !== undefined
        ? [idle(['rules', at, 'mention'], 'it pings when a failure begins, and this rule matches info only')]
        : []),
      ...(onlyNews && reminds
        ? [idle(['rules', at, 'remindEvery'], 'reminders are about failures, and this rule matches info only')]
        : []),
      ...(!onlyNews && reminds && notify === 'every'
        ? [idle(['rules', at, 'remindEvery'], '`notify: every` sends each event anyway')]
        : []),
      ...(onlyNews && lasts !== undefined
        ? [
            idle(
              ['rules', at, 'for'],
              'it is how long a failure lasts, and this rule matches info only; leave it out, or match `severity: warn`'
            )
          ]
        : []),
      ...(!onlyNews && lasts !== undefined && parseDuration(lasts) === 0
        ? [idle(['rules', at, 'for'], 'every failure lasts for no time; leave it out')]
        : []),
      ...(group?.wait !== undefined && parseDuration(group.wait) === 0
        ? [idle(['rules', at, 'group', 'wait'], 'a wait of no time gathers nothing; leave out `group`')]
        : [])
    ]
  })
}

/** Finds options that a rule about rollouts does not heed, and rollouts that can never learn that anything was applied. */
function idleOfRollouts({ match, ...rule }: ConfigText['rules'][number], path: Path): Fault[] {
  const keys = (['notify', 'remindEvery', 'for', 'group', 'mention', 'template'] as const).filter(
    (key) => rule[key] !== undefined
  )
  const idle = keys.map((key): Fault => {
    const message =
      'has no effect: with `as: rollout` one message says what came of a revision, and failures have rules of their own'
    return { path: [...path, key], message, isWarning: true }
  })
  if (severitiesOf(match?.severity ?? 'error').has('info')) return idle
  const message =
    'a rollout needs events of severity info, or it never learns what was applied; write `match: { severity: info }`'
  return [...idle, { path: [...path, 'as'], message }]
}

/** Finds entries that never count, because the first entry that matches is the one that does. */
function idleSeverities({ severities = [] }: ConfigText): Fault[] {
  const isWithin = (wide: string | string[] = '*', narrow: string | string[] = '*') =>
    [narrow].flat().every((pattern) => [wide].flat().some((one) => globCovers(one, pattern)))
  return severities.flatMap(({ kind, reason, message }, at): Fault[] => {
    const above = severities
      .slice(0, at)
      .findIndex(
        (entry) =>
          isWithin(entry.kind, kind) &&
          isWithin(entry.reason, reason) &&
          (entry.message === undefined || entry.message === message)
      )
    if (above < 0) return []
    const text = 'never counts: an earlier entry matches all of these'
    return [{ path: ['severities', at, 'severity'], message: text, beside: ['severities', above], isWarning: true }]
  })
}

function idleLinks({ links = [] }: ConfigText): Fault[] {
  return links.flatMap(({ match: _, ...pages }, at) => {
    const message = 'gives no link: add repository, commit, compare, dashboard or pages'
    return Object.keys(pages).length > 0 ? [] : [{ path: ['links', at], message, isWarning: true }]
  })
}

/** Finds templates that no rule names. */
export function unusedTemplates({ rules, templates = {} }: ConfigText): Fault[] {
  const used = new Set(rules.map(({ template }) => template))
  return Object.keys(templates)
    .filter((name) => !used.has(name))
    .map((name) => ({ path: ['templates', name], message: `no rule uses the template "${name}"`, isWarning: true }))
}
