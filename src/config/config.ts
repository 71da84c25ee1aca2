// The config file: from its text to everything the relay works by, or to everything that is wrong with it.
import { createDestination, type Destination, webhookUrlFault } from '../deliver/destination.ts'
import { parseDuration } from '../duration.ts'
import type { Fault } from '../errors.ts'
import { type Classify, compileSeverities } from '../events/severity.ts'
import type { Source, SourceText } from '../events/source.ts'
import { compileMutes, type Mute } from '../mutes/mutes.ts'
import { compileLinks, type Links } from '../render/links.ts'
import { compileTemplates, type Templates } from '../render/templates.ts'
import { compileRules, type RuleSet } from '../rules/rules.ts'
import { astrayFaults } from './astray.ts'
import { inOrder, locate, type Problem } from './problem.ts'
import type { ConfigText } from './schema.ts'
import { createSecrets, createStandIns, type Secrets } from './secrets.ts'
import { senseFaults } from './sense.ts'
import { shapeFaults, vocabulary, wellShaped } from './shape.ts'
import { readYaml } from './yaml.ts'

export interface Config {
  /** The cluster of events whose source and metadata name none. */
  cluster: string
  sources: ReadonlyMap<string, Source>
  destinations: ReadonlyMap<string, Destination>
  classify: Classify
  /** Who hears of the relay itself. */
  operators: readonly Destination[]
  links: Links
  mutes: readonly Mute[]
  /** By name. */
  templates: Templates
  rules: RuleSet
  retention: { eventsMs: number; deadLettersMs: number }
  /** For the log to keep out. */
  secrets: readonly string[]
}

/** A config where there is no error among the problems. */
export interface Loaded {
  config: Config | undefined
  problems: Problem[]
}

/**
 * `file` is only for the problems' places. `environment` is what `${VARIABLE}` refers to. `sends: false` is for where
 * nothing is sent or verified: secrets may be missing.
 */
export function loadConfig(
  text: string,
  file: string,
  environment: Record<string, string | undefined>,
  { sends = true }: { sends?: boolean } = {}
): Loaded {
  const fill = (text: string) => createSecrets(environment, []).fill(text, [])
  const read = readYaml(text, file, vocabulary, fill)
  if ('problems' in read) return { config: undefined, problems: read.problems }
  const { source, value } = read
  const shape = shapeFaults(value)
  const whole = wellShaped(value, shape)
  const faults: Fault[] = []
  const config = build(whole, sends ? createSecrets(environment, faults) : createStandIns(environment, faults), faults)
  faults.push(
    ...senseFaults(whole, [...config.destinations.values()], shape),
    ...astrayFaults(whole, config.secrets, fill)
  )
  const problems = inOrder([
    ...shape.map((fault) => locate(source, fault, fault.isAboutKey)),
    ...faults.map((fault) => locate(source, fault))
  ])
  return { config: problems.every(({ isWarning }) => isWarning) ? config : undefined, problems }
}

function build(text: ConfigText, secrets: Secrets, faults: Fault[]): Config {
  const sources = Object.entries(text.sources ?? { default: {} }).map(([name, entry]) =>
    buildSource(name, entry ?? {}, secrets, faults)
  )
  const destinations = Object.entries(text.destinations).map(([name, entry]) =>
    buildDestination(name, entry, secrets, faults)
  )
  const severities = compileSeverities(text.severities ?? [])
  const rules = compileRules(text.rules)
  const links = compileLinks(text.links ?? [])
  const mutes = compileMutes(text.mute ?? [], Date.now())
  const templates = compileTemplates(text.templates ?? {})
  faults.push(...severities.faults, ...rules.faults, ...links.faults, ...mutes.faults, ...templates.faults)
  const byName = new Map(destinations.map((destination) => [destination.name, destination]))
  const operators = [text.operator ?? []].flat().flatMap((name) => byName.get(name) ?? [])
  return {
    cluster: secrets.fill(text.cluster ?? '', ['cluster']),
    sources: new Map(sources.map((source) => [source.name, source])),
    destinations: byName,
    operators,
    classify: severities.classify,
    links: links.links,
    mutes: mutes.mutes,
    templates: templates.templates,
    rules: rules.rules,
    retention: {
      eventsMs: parseDuration(text.retention?.events ?? '7d'),
      deadLettersMs: parseDuration(text.retention?.deadLetters ?? '30d')
    },
    secrets: secrets.values()
  }
}

/** Sources are looked after every ten seconds. */
const shortestExpectMs = 60_000

function buildSource(
  name: string,
  { hmacKeys = [], tokens = [], cluster, expectEvery }: SourceText,
  secrets: Secrets,
  faults: Fault[]
): Source {
  const path = ['sources', name]
  if (hmacKeys.length === 0 && tokens.length === 0) {
    const message = `source "${name}" accepts events from anyone who can reach it; give it hmacKeys`
    faults.push({ path, message, isWarning: true })
  }
  const expectMs = expectEvery === undefined ? undefined : parseDuration(expectEvery)
  if (expectMs !== undefined && expectMs < shortestExpectMs) {
    faults.push({
      path: [...path, 'expectEvery'],
      message: `"${expectEvery}" is too short: a minute is the shortest silence that is noticed`
    })
  }
  return {
    name,
    expectMs,
    hmacKeys: hmacKeys.map((key, index) => secrets.secret(key, [...path, 'hmacKeys', index])),
    tokens: tokens.map((token, index) => secrets.secret(token, [...path, 'tokens', index])),
    cluster: cluster === undefined ? undefined : secrets.fill(cluster, [...path, 'cluster'])
  }
}

function buildDestination(
  name: string,
  text: ConfigText['destinations'][string],
  secrets: Secrets,
  faults: Fault[]
): Destination {
  const path = ['destinations', name]
  const { slack, preview } = text
  if ((slack === undefined) === (preview === undefined)) {
    faults.push({ path, message: 'a destination is either `slack:` with a webhookUrl or `preview: true`' })
  }
  if (slack === undefined) return createDestination(name, text)
  const urlPath = [...path, 'slack', 'webhookUrl']
  const before = faults.length
  const webhookUrl = secrets.secret(slack.webhookUrl, urlPath).trim()
  // A secret that is missing was told already.
  const fault = faults.length === before ? webhookUrlFault(webhookUrl) : undefined
  if (fault !== undefined) faults.push({ path: urlPath, message: `the webhook URL ${fault}` })
  const filled = (key: 'channel' | 'username') =>
    slack[key] !== undefined && { [key]: secrets.fill(slack[key], [...path, 'slack', key]) }
  return createDestination(name, {
    ...text,
    slack: { ...slack, ...filled('channel'), ...filled('username'), webhookUrl }
  })
}
