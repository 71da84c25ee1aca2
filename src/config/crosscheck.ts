// Cross-checks: finds names that do not exist, and rules and destinations without effect.
import type { Destination } from '../deliver/destination.ts'
import type { Fault } from '../errors.ts'
import type { Source } from '../events/source.ts'
import { isGlob } from '../patterns.ts'
import { urlFault } from '../render/links/links.ts'
import { knownFrom, nothingKnown } from '../rules/never.ts'
import { toOwner } from '../rules/rules.ts'
import { findShadowed } from '../rules/shadow.ts'
import { isLoopback } from '../slack-api/app.ts'
import { createGuess } from '../spelling.ts'
import { effectFaults, unusedTemplates } from './effect.ts'
import { idleOwners, mixedOwners, unknownOfOwners } from './owner-faults.ts'
import {
  deafReceivers,
  idleButtons,
  idleSenders,
  mixedDestinations,
  noDestination,
  sharedLanes,
  sharedTokens,
  unknownApps,
  unusedApps
} from './place-faults.ts'
import type { ConfigText } from './schema.ts'
import { refers, standIn } from './secrets.ts'
import type { ShapeFault } from './shape.ts'

type Path = Fault['path']

/** The compiled parts of a file that cross-checks need. */
interface Made {
  destinations: ReadonlyMap<string, Destination>
  sources: ReadonlyMap<string, Source>
}

/** Finds all contradictions between the parts of `text`, without those that depend on a misshapen part. */
export function senseFaults(text: ConfigText, made: Made, shape: readonly ShapeFault[]): Fault[] {
  const strangers = unknownOfOwners(text)
  const unknown = [...unknownDestinations(text), ...strangers.destinations]
  const lostTemplates = unknownTemplates(text)
  const lostApps = [...unknownApps(text), ...strangers.apps]
  const isWhole = (...sections: string[]) =>
    shape.every(({ path: [section] }) => section !== undefined && !sections.includes(String(section)))
  /** True unless the section as a whole is misshapen: entries that are misshapen still have their names. */
  const isThere = (section: string) => !shape.some(({ path }) => path.length === 1 && path[0] === section)
  /** Made anew for each use, because each use makes a bounded number of guesses. */
  const known = () => (isWhole('sources') ? knownFrom(made.sources) : nothingKnown)
  const mayHang = createNear(shape)
  return [
    ...unknown,
    ...lostTemplates,
    ...mixedDestinations(text),
    ...(isThere('owners') ? mixedOwners(text) : []),
    ...(isThere('slackApps') ? lostApps : []),
    ...(lostApps.length === 0 && isWhole('slackApps', 'destinations', 'owners') ? unusedApps(text) : []),
    ...repeatedNames(text),
    ...clusterFaults(text),
    ...patternClusters(text, made),
    ...sharedKeys(made),
    ...shadowedRules(text, shape),
    ...(unknown.length === 0 && isWhole('rules', 'destinations', 'operator', 'owners') ? unusedDestinations(text) : []),
    ...(isWhole('rules') && text.rules.length === 0 ? [noRule] : []),
    ...(lostTemplates.length === 0 && isWhole('rules', 'templates') ? unusedTemplates(text) : []),
    ...sharedLanes(text, [...made.destinations.values()]),
    ...sharedTokens([...made.destinations.values()]),
    ...deafReceivers(text, [...made.destinations.values()]),
    ...idleSenders(text, [...made.destinations.values()]),
    ...idleButtons(text),
    ...writtenOutSecrets(text),
    ...repeatedItems(text, []),
    ...effectFaults(text, known()),
    ...(isWhole('owners') ? idleOwners(text, known()) : []),
    ...brokenLinks(text),
    ...literalReferences(text.templates ?? {}, ['templates'])
  ].filter(({ path }) => !mayHang(path).some((fault) => hangsOn(path, fault)))
}

const noRule: Fault = { path: ['rules'], message: 'there is no rule: nobody is notified of anything', isWarning: true }

/** Finds those of `shape` that something at a path may depend on: of its entry, or of what holds that. A fleet's file has thousands. */
function createNear(shape: readonly ShapeFault[]): (path: Path) => readonly ShapeFault[] {
  const byEntry = Map.groupBy(shape, ({ path }) => JSON.stringify(path.slice(0, 2).map(String)))
  return (path) =>
    [0, 1, 2].flatMap((length) =>
      length > path.length ? [] : (byEntry.get(JSON.stringify(path.slice(0, length).map(String))) ?? [])
    )
}

/** Reports whether a fault at `path` may be there only because something else, which is misshapen, was left out. */
function hangsOn(path: Path, { path: misshapen, isAboutKey }: ShapeFault): boolean {
  const isIn = (inner: Path, outer: Path) => outer.every((key, at) => String(key) === String(inner[at]))
  // An entry that lacks something is still right in its other parts.
  const isLacking = isAboutKey && misshapen.length === 2
  if (!isLacking) {
    if (isIn(path, misshapen)) return true
    // Without one of its matchers, an entry matches more than its author thinks.
    if (misshapen[2] !== 'match') return false
  }
  return isIn(path, misshapen.slice(0, 2)) && !isPlain(path)
}

/** True for faults that are about a name alone, whatever stands next to it. */
function isPlain([section, , key, matcher]: Path): boolean {
  if (section === 'severities') return key === 'kind' || key === 'reason'
  return key === 'send' || key === 'template' || (key === 'match' && matcher !== 'not')
}

function unknownDestinations({ rules, operator = [], destinations, owners }: ConfigText): Fault[] {
  const known = new Set(Object.keys(destinations))
  const guess = createGuess()
  const meant = owners === undefined ? [...known] : [...known, toOwner]
  // A whole section that is missing or misshapen was reported already.
  if (known.size === 0) return []
  const unknown = (names: string | string[], path: Path): Fault[] =>
    [names].flat().flatMap((name, at) => {
      if (known.has(name)) return []
      // No name has a comma or a space, so this may be a list.
      const parts = name.split(/[\s,]+/).filter((part) => part !== '')
      const several = parts.length > 1 && !Array.isArray(names) ? `; a list is [${parts.join(', ')}]` : ''
      const message = noDestination(name, several || guess(name, meant))
      return [{ path: Array.isArray(names) ? [...path, at] : path, message }]
    })
  return [
    ...unknown(operator, ['operator']),
    ...rules.flatMap(({ send }, at) =>
      // What `owner` lacks is reported by mixedOwners.
      unknown(send, ['rules', at, 'send']).filter(({ path }) => nameAt(send, path.at(-1)) !== toOwner)
    )
  ]
}

function nameAt(send: string | string[], index: string | number | undefined): string | undefined {
  return Array.isArray(send) ? send[Number(index)] : send
}

function unknownTemplates({ rules, templates = {} }: ConfigText): Fault[] {
  const guess = createGuess()
  return rules.flatMap(({ template }, at) => {
    if (template === undefined || Object.hasOwn(templates, template)) return []
    const message = `there is no template "${template}"${guess(template, Object.keys(templates))}`
    return [{ path: ['rules', at, 'template'], message }]
  })
}

/** Finds rules of the same name. The relay remembers by it what a destination was notified of. */
function repeatedNames({ rules }: ConfigText): Fault[] {
  const first = new Map<string, number>()
  return rules.flatMap(({ name }, at) => {
    const other = first.get(name)
    if (other === undefined) first.set(name, at)
    const message = `there is another rule named "${name}"`
    return other === undefined ? [] : [{ path: ['rules', at, 'name'], message, beside: ['rules', other, 'name'] }]
  })
}

function shadowedRules({ rules }: ConfigText, shape: readonly ShapeFault[]): Fault[] {
  const misshapen = new Set(shape.flatMap(({ path: [section, rule] }) => (section === 'rules' ? [Number(rule)] : [])))
  const sound = rules.map((rule, at) => (misshapen.has(at) ? { ...rule, final: false } : rule))
  return findShadowed(sound).map(({ rule, by }) => ({
    path: ['rules', rule, 'name'],
    message: `never fires: every event it asks for is taken by the \`final\` rule "${rules[by]?.name}"`,
    beside: ['rules', by, 'name'],
    isWarning: true
  }))
}

function unusedDestinations({ rules, owners = [], operator = [], destinations }: ConfigText): Fault[] {
  const senders = [...rules, ...owners].flatMap(({ send = [] }) => send)
  const used = new Set([...senders, ...[operator].flat()])
  return Object.keys(destinations)
    .filter((name) => !used.has(name))
    .map((name) => ({ path: ['destinations', name], message: `nothing is sent to "${name}"`, isWarning: true }))
}

function writtenOutSecrets({ sources = {}, slackApps = {}, destinations }: ConfigText): Fault[] {
  const faultsOf = (what: string, secret: string, path: Path): Fault[] => {
    const message = `this ${what} stands in the file for everyone to see; write \${VARIABLE} or \${file:/path}`
    return refers(secret) || secret === standIn ? [] : [{ path, message, isWarning: true }]
  }
  return [
    ...Object.entries(sources).flatMap(([name, source]) => [
      ...(source?.hmacKeys ?? []).flatMap((key, at) => faultsOf('key', key, ['sources', name, 'hmacKeys', at])),
      ...(source?.tokens ?? []).flatMap((token, at) => faultsOf('token', token, ['sources', name, 'tokens', at]))
    ]),
    ...Object.entries(slackApps).flatMap(([name, { token, appToken, apiUrl = '' }]) => [
      // A token for loopback is of no use to anybody else.
      ...(isLoopback(apiUrl) ? [] : faultsOf('token', token, ['slackApps', name, 'token'])),
      ...(appToken === undefined ? [] : faultsOf('token', appToken, ['slackApps', name, 'appToken']))
    ]),
    ...Object.entries(destinations).flatMap(([name, { slack }]) =>
      // Plain http is for loopback only, where nobody else can post.
      slack?.webhookUrl === undefined || slack.webhookUrl.startsWith('http:')
        ? []
        : faultsOf('webhook URL', slack.webhookUrl, ['destinations', name, 'slack', 'webhookUrl'])
    )
  ]
}

/** Finds items that stand twice in a list. The value stays out of the message: it may be a key. */
function repeatedItems(value: unknown, path: Path): Fault[] {
  if (typeof value !== 'object' || value === null) return []
  if (!Array.isArray(value))
    return Object.entries(value).flatMap(([key, inner]) => repeatedItems(inner, [...path, key]))
  const first = new Map<unknown, number>()
  return value.flatMap((item, at): Fault[] => {
    if (typeof item === 'object') return repeatedItems(item, [...path, at])
    const other = first.get(item)
    if (other === undefined) first.set(item, at)
    const message = 'is already listed'
    return other === undefined ? [] : [{ path: [...path, at], message, beside: [...path, other], isWarning: true }]
  })
}

function brokenLinks({ links = [] }: ConfigText): Fault[] {
  return links.flatMap(({ commit, compare, dashboard, pages = {} }, index) => {
    const own = Object.entries({ commit, compare, dashboard }).map(([kind, url]) => ({ path: [kind], url }))
    const named = Object.entries(pages).map(([name, url]) => ({ path: ['pages', name], url }))
    return [...own, ...named].flatMap(({ path: place, url }): Fault[] => {
      if (url === undefined) return []
      const path = ['links', index, ...place]
      const message = urlFault(url)
      const reference = /\$\{\w*\}?/.exec(url)
      const literal = `${reference?.[0]} is not filled in here, and stands in the link as it is`
      return [
        ...(message === undefined ? [] : [{ path, message }]),
        ...(reference === null ? [] : [{ path, message: literal, offset: reference.index, isWarning: true }])
      ]
    })
  })
}

/** Finds references to the environment in the texts of templates, which Slack would show as they are. */
function literalReferences(value: unknown, path: Path): Fault[] {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, inner]) =>
      literalReferences(inner, [...path, Array.isArray(value) ? Number(key) : key])
    )
  const reference = typeof value === 'string' ? /\$\{[A-Za-z_]\w*\}/.exec(value) : null
  if (reference === null) return []
  const message = `${reference[0]} is not filled in here, and stands in the message as it is`
  return [{ path, message, offset: reference.index, isWarning: true }]
}

/** Finds sources whose events could be taken for each other's. */
function clusterFaults({ sources = {}, cluster }: ConfigText): Fault[] {
  const entries = Object.entries(sources)
  const [first, ...others] = entries.filter(([, source]) => source?.cluster === undefined).map(([name]) => name)
  if (first === undefined) return []
  const owner = entries.find(([, source]) => source?.cluster !== undefined && source.cluster === cluster)?.[0]
  const faults: Fault[] = others.map((name) => ({
    path: ['sources', name],
    message:
      `names no cluster, nor does "${first}": their objects could be taken for each other's; write \`cluster:\` ` +
      'with the name of its cluster, or, if both are one cluster, list the keys of both at one source; the other one is',
    beside: ['sources', first]
  }))
  if (owner === undefined) return faults
  const message = `names no cluster, and \`cluster: ${cluster}\` is that of "${owner}": its events that name none are kept apart as of "${first}"; write \`cluster:\` here, as`
  return [...faults, { path: ['sources', first], message, beside: ['sources', owner, 'cluster'], isWarning: true }]
}

/** Finds patterns in place of a cluster's name. One would count as the name, and no rule for the clusters that it means would match. */
function patternClusters({ cluster = '' }: ConfigText, { sources }: Pick<Made, 'sources'>): Fault[] {
  const named = [...sources.values()].map((source) => ({
    path: ['sources', source.name, 'cluster'],
    name: source.cluster
  }))
  return [{ path: ['cluster'], name: cluster }, ...named].flatMap(({ path, name = '' }): Fault[] => {
    const message = 'is the name of one cluster, and no pattern: events would be about a cluster that is called so'
    return isGlob(name) ? [{ path, message, isWarning: true }] : []
  })
}

/** Finds keys that several sources take: whoever has one can post as any of them. The key itself stays out of the message. */
function sharedKeys({ sources }: Pick<Made, 'sources'>): Fault[] {
  const first = new Map<string, { source: Source; path: Path }>()
  return [...sources.values()].flatMap((source) =>
    (['hmacKeys', 'tokens'] as const).flatMap((kind) =>
      source[kind].flatMap((key, at): Fault[] => {
        const path = ['sources', source.name, kind, at]
        const other = first.get(key.trim())
        if (other === undefined) first.set(key.trim(), { source, path })
        // Nobody gains anything if both speak for one cluster.
        if (key === standIn || other === undefined || other.source.cluster === source.cluster) return []
        const message = `is a key of "${other.source.name}" as well: whoever has it can post as either; give each a key of its own; the other one is`
        return [{ path, message, beside: other.path, isWarning: true }]
      })
    )
  )
}
