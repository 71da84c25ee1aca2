// Config: turns the text of the config file into what the relay works by, or into a list of all its mistakes.
import { Destinations } from '../deliver/channels.ts'
import type { Destination } from '../deliver/destination.ts'
import { maxAgeMs } from '../deliver/outcome.ts'
import { parseDuration } from '../duration.ts'
import type { Fault } from '../errors.ts'
import { type Classify, compileSeverities } from '../events/severity.ts'
import { isUnsigned } from '../events/signature.ts'
import { type Source, type SourceText, type Speakers, speakersOf } from '../events/source.ts'
import { compileMutes, type Mute } from '../mutes/mutes.ts'
import { compileTemplates, type Templates } from '../render/check/templates.ts'
import { compileLinks, type Links } from '../render/links/links.ts'
import { compileOwners, type OwnersTable } from '../rules/owners.ts'
import { maxSettleMs } from '../rules/rollout.ts'
import type { RuleSet } from '../rules/rule.ts'
import { compileRules } from '../rules/rules.ts'
import type { SlackApp } from '../slack-api/app.ts'
import { astrayFaults } from './astray.ts'
import { senseFaults } from './crosscheck.ts'
import { manifestFault, sopsFault, withComment } from './mistaken.ts'
import { buildApp, buildDestination } from './places.ts'
import { type Source as ConfigSource, inOrder, locate, type Problem, problemAt } from './problem.ts'
import { ConfigSchema, type ConfigText, withoutExtensions } from './schema.ts'
import { createSecrets, createStandIns, type Secrets } from './secrets.ts'
import { shapeFaults, vocabulary, withoutMeant } from './shape.ts'
import { trimNames } from './texts.ts'
import { wellShaped } from './well-shaped.ts'
import { readYaml } from './yaml.ts'

export interface Config {
  /** The cluster of events whose source and metadata name none. */
  cluster: string
  sources: ReadonlyMap<string, Source>
  /** Which sources speak for which clusters. */
  speakers: Speakers
  destinations: Destinations
  /** Slack apps, by name. */
  apps: ReadonlyMap<string, SlackApp>
  classify: Classify
  /** The destinations that are notified of the relay itself. */
  operators: readonly Destination[]
  links: Links
  /** Keys of the metadata that messages show. */
  show: readonly string[]
  mutes: readonly Mute[]
  /** Templates of messages, by name. */
  templates: Templates
  rules: RuleSet
  /** Owners of events, for rules that send to the owner. */
  owners: OwnersTable
  retention: { eventsMs: number; deadLettersMs: number }
  /** Secrets that the log has to keep out. */
  secrets: readonly string[]
}

/** A config, if there is no error among the problems. */
export interface Loaded {
  config: Config | undefined
  problems: Problem[]
}

/**
 * Builds a config, and finds all mistakes. `file` is only for the places of problems; `environment` has the values of `${VARIABLE}`.
 * `sends: false` allows missing secrets, because nothing is sent or verified. `isRunning` is true if the relay runs already.
 */
export function loadConfig(
  given: string,
  file: string,
  environment: Record<string, string | undefined>,
  { sends = true, isRunning = false }: { sends?: boolean; isRunning?: boolean } = {}
): Loaded {
  // Editors do not show the mark, and columns are counted as editors do.
  const text = given.replace(/^\ufeff/, '')
  // Windows shells write UTF-16, of which nothing can be read or shown.
  if (text.startsWith('\ufffd\ufffd') && text.includes('\0')) {
    const message = 'the file is UTF-16; save it as UTF-8'
    return { config: undefined, problems: [{ file, line: 1, column: 1, message, excerpt: '', isWarning: false }] }
  }
  const fill = (text: string) => createSecrets(environment, []).fill(text, [])
  const secretsFor = (faults: Fault[]) =>
    sends ? createSecrets(environment, faults, { isRunning }) : createStandIns(environment, faults)
  const read = readYaml(text, file, vocabulary, fill)
  if (!('problems' in read)) {
    const mistaken = manifestFault(read.value) ?? sopsFault(read.value)
    if (mistaken) return { config: undefined, problems: [locate(read.source, mistaken, true)] }
    const { config, problems: sense } = judge(read, [], secretsFor, fill)
    const problems = inOrder([...sense, ...lostCharacters(text, read.source)])
    return { config: problems.every(({ isWarning }) => isWarning) ? config : undefined, problems }
  }
  const { problems, rest } = read
  if (rest === undefined) return { config: undefined, problems }
  // A section that seems to be missing may be behind the mistake.
  const lost = [...rest.lost, ...Object.keys(ConfigSchema.properties).filter((name) => !(name in rest.value))]
  const others = judge(rest, lost, secretsFor, fill).problems
  return { config: undefined, problems: inOrder([...problems, ...others]) }
}

/** Warns of a file in another encoding that was read as UTF-8: names with such a character match nothing. */
function lostCharacters(text: string, source: ConfigSource): Problem[] {
  const at = text.indexOf('\ufffd')
  return at < 0
    ? []
    : [problemAt(source, at, 'a character here is not UTF-8, and is lost; save the file as UTF-8', true)]
}

/** Finds the faults of a file. `lost` are the sections that cannot be read: faults that may come only of that are left out. */
function judge(
  { source, value }: { source: ConfigSource; value: unknown },
  lost: readonly string[],
  secretsFor: (faults: Fault[]) => Secrets,
  fill: (text: string) => string
): { config: Config; problems: Problem[] } {
  const trimmed = trimNames(withoutExtensions(value))
  const shape = shapeFaults(trimmed.value).filter(({ path }) => lost.length === 0 || path.length > 0)
  const misshapen = new Set(shape.map(({ path }) => String(path)))
  const lines = trimmed.faults.filter(({ path }) => !misshapen.has(String(path)))
  const all = [...shape.map((fault) => withComment(fault, source.document)), ...lines]
  const misspelt = shape.flatMap(({ path, meant = [] }) =>
    path.length === 1 ? meant.filter((key) => !(key in (trimmed.value as object))) : []
  )
  const illegible = [...lost, ...misspelt].map((section) => ({ path: [section], message: '', isAboutKey: true }))
  const whole = wellShaped(trimmed.value, [...all, ...illegible])
  const faults: Fault[] = []
  const secrets = secretsFor(faults)
  const config = build(whole, secrets, faults)
  const sense = senseFaults(whole, config, [...all, ...illegible])
  faults.push(
    ...withoutMeant(sense, shape).filter(({ path, isWarning }) => !isWarning || !secrets.isUnknown(path)),
    ...astrayFaults(whole, config.secrets, fill)
  )
  const problems = [
    ...all.map((fault) => locate(source, fault, fault.isAboutKey)),
    ...faults.map((fault) => locate(source, fault))
  ]
  return { config, problems: inOrder(problems) }
}

function build(text: ConfigText, secrets: Secrets, faults: Fault[]): Config {
  const sources = Object.entries(text.sources ?? { default: {} }).map(([name, entry]) =>
    buildSource(name, entry ?? {}, secrets, faults)
  )
  const given = { secrets, faults }
  const apps = new Map(
    Object.entries(text.slackApps ?? {}).map(([name, entry]) => [name, buildApp(name, entry, given)])
  )
  const destinations = Object.entries(text.destinations).map(([name, entry]) =>
    buildDestination(name, entry, apps, given)
  )
  const severities = compileSeverities(text.severities ?? [])
  const rules = compileRules(text.rules, { hasOwners: text.owners !== undefined })
  const owners = compileOwners(text.owners ?? [])
  faults.push(...durationFaults(text))
  const links = compileLinks(text.links ?? [])
  const mutes = compileMutes(text.mute ?? [], Date.now())
  const templates = compileTemplates(text.templates ?? {})
  faults.push(
    ...severities.faults,
    ...rules.faults,
    ...owners.faults,
    ...links.faults,
    ...mutes.faults,
    ...templates.faults
  )
  const byName = new Destinations(
    destinations.map((destination) => [destination.name, destination]),
    apps
  )
  const operators = [text.operator ?? []].flat().flatMap((name) => byName.get(name) ?? [])
  return {
    cluster: secrets.fill(text.cluster ?? '', ['cluster']),
    sources: new Map(sources.map((source) => [source.name, source])),
    speakers: speakersOf(sources),
    destinations: byName,
    apps,
    operators,
    classify: severities.classify,
    links: links.links,
    show: text.show ?? [],
    mutes: mutes.mutes,
    templates: templates.templates,
    rules: rules.rules,
    owners: owners.owners,
    retention: {
      eventsMs: parseDuration(text.retention?.events ?? '7d'),
      deadLettersMs: parseDuration(text.retention?.deadLetters ?? '30d')
    },
    secrets: secrets.values()
  }
}

const tokenInParts =
  'the token has a space in it, so that no request has it: write what stands behind `Authorization: Bearer`, and nothing else'

const tokenUnsendable =
  'the token has a tab or another control character in it, so that no request has it: write one without, such as what ' +
  '`openssl rand -hex 32` prints, on both sides'

/** The shortest `expectEvery`, because sources are looked at only every ten seconds. */
const shortestExpectMs = 60_000

/** Finds durations that would do something other than what they seem to. */
function durationFaults({ rules, retention = {} }: ConfigText): Fault[] {
  const isNothing = (text: string | undefined) => text !== undefined && text !== 'never' && parseDuration(text) === 0
  const never = 'would remind with every event; write never, or at least 1s'
  const tooLate = 'is too long: what was not sent within 24 hours is a dead letter; write less, such as 12h'
  return [
    ...rules.flatMap(({ remindEvery }, at) =>
      isNothing(remindEvery) ? [{ path: ['rules', at, 'remindEvery'], message: `"${remindEvery}" ${never}` }] : []
    ),
    ...rules.flatMap(({ settle }, at) =>
      settle !== undefined && (parseDuration(settle) === 0 || parseDuration(settle) > maxSettleMs)
        ? [{ path: ['rules', at, 'settle'], message: `"${settle}" is not between 1s and 1h` }]
        : []
    ),
    ...rules.flatMap(({ group }, at) =>
      group?.wait !== undefined && parseDuration(group.wait) >= maxAgeMs
        ? [{ path: ['rules', at, 'group', 'wait'], message: `"${group.wait}" ${tooLate}` }]
        : []
    ),
    ...(['events', 'deadLetters'] as const).flatMap((key) =>
      isNothing(retention[key])
        ? [{ path: ['retention', key], message: `"${retention[key]}" would keep nothing; write at least 1s` }]
        : []
    )
  ]
}

/** Advice on a source without keys. Controllers that post to the relay themselves cannot sign. */
const sign = 'give it hmacKeys, or, if controllers post to it themselves, let only them in (docs/direct-mode.md)'

function buildSource(
  name: string,
  { hmacKeys = [], tokens = [], cluster, expectEvery }: SourceText,
  secrets: Secrets,
  faults: Fault[]
): Source {
  const path = ['sources', name]
  if (isUnsigned({ hmacKeys, tokens })) {
    const message = `source "${name}" accepts events from anyone who can reach it; ${sign}`
    faults.push({ path, message, isWarning: true })
  }
  const expectMs = expectEvery === undefined ? undefined : parseDuration(expectEvery)
  if (expectMs !== undefined && expectMs < shortestExpectMs) {
    faults.push({
      path: [...path, 'expectEvery'],
      message: `"${expectEvery}" is too short: the shortest quiet spell that is noticed is a minute`
    })
  }
  const tokenAt = (text: string, index: number) => {
    const place = [...path, 'tokens', index]
    const token = secrets.secret(text, place)
    if (/\p{Cc}/u.test(token)) faults.push({ path: place, message: tokenUnsendable })
    else if (token.includes(' ')) faults.push({ path: place, message: tokenInParts, isWarning: true })
    return token
  }
  return {
    name,
    expectMs,
    hmacKeys: hmacKeys.map((key, index) => secrets.key(key, [...path, 'hmacKeys', index])),
    tokens: tokens.map(tokenAt),
    cluster: cluster === undefined ? undefined : secrets.fill(cluster, [...path, 'cluster'])
  }
}
