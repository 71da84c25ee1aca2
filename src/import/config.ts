// Imported config: writes the config file of an import, for people to read, change and keep.
import { Document, isMap, isSeq, type Node, Scalar, visit, type YAMLMap } from 'yaml'
import type { ConfigText } from '../config/schema.ts'
import { clean } from '../legible.ts'
import { hmacVariable } from './destination.ts'
import type { Import } from './import.ts'
import type { Takeover } from './repeated.ts'

/** The most keys of metadata that a config file may show. */
const maxShown = 10

/** The text of a config file for `imported`. Every variable it refers to has to be set before it loads. */
export function configOf({ takeovers, rules, targets, feeds }: Import): string {
  // A name with a variable of Flux's is left out, because the relay does not have that variable.
  const [cluster, ...otherClusters] = new Set(feeds.map(({ metadata }) => metadata['cluster']))
  const isKnown = cluster !== undefined && otherClusters.length === 0 && !cluster.includes('${')
  const shown = shownOf(takeovers)
  const ofApps = targets.flatMap((target) => (target.app === undefined ? [] : [{ ...target, app: target.app }]))
  const apps = [...new Map(ofApps.map((target) => [target.app.name, target])).values()]
  const config: ConfigText = {
    ...(isKnown && { cluster: cluster.slice(0, 253) }),
    sources: { default: { hmacKeys: [`\${${hmacVariable}}`] } },
    ...(apps.length > 0 && { slackApps: Object.fromEntries(apps.map(({ app }) => [app.name, app.text])) }),
    destinations: Object.fromEntries(targets.map(({ name, text }) => [name, text])),
    // As in Flux, which shows all of them in every message.
    ...(shown.length > 0 && { show: shown }),
    rules: rules.map(({ rule }) => rule)
  }
  const document = new Document(config, { aliasDuplicateObjects: false })
  document.commentBefore = commented(head(takeovers))
  for (const key of Object.keys(config).slice(1)) pairOf(document.contents, key).key.spaceBefore = true

  const destinations = document.get('destinations')
  for (const { app, variable } of apps) {
    pairOf(document.get('slackApps'), app.name).key.commentBefore = commented([`${variable.name}: ${variable.what}`])
  }
  const ownVariables = targets.filter(
    ({ app, variable }, at) => app === undefined && targets.findIndex((other) => other.variable === variable) === at
  )
  for (const { name, variable } of ownVariables) {
    pairOf(destinations, name).key.commentBefore = commented([`${variable.name}: ${variable.what}`])
  }
  for (const [index, { takeovers }] of rules.entries()) {
    const rule = document.getIn(['rules', index], true) as Node
    rule.commentBefore = commented(originOf(takeovers))
    rule.spaceBefore = index > 0
  }
  // Short lists and maps stand on one line.
  const apart = [...itemsOf(destinations), ...itemsOf(document.get('rules'))]
  for (const node of [document.getIn(['sources', 'default']), document.get('slackApps'), ...apart]) flatten(node)
  // A variable is quoted wherever it stands.
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && node.value.includes('${')) node.type = Scalar.QUOTE_DOUBLE
    }
  })
  return document.toString({ lineWidth: 0 })
}

/** The keys of metadata that Alerts add. The cluster is in the first line of a message anyway, and the summary is always shown. */
function shownOf(takeovers: readonly Takeover[]): string[] {
  const keys = takeovers.flatMap(({ alert }) => Object.keys(alert.spec.eventMetadata ?? {}))
  const names = new Set(keys.filter((key) => key !== 'cluster' && key !== 'summary' && key.length <= 100))
  return [...names].slice(0, maxShown)
}

function head(takeovers: readonly Takeover[]): string[] {
  const hasErrors = takeovers.some(({ alert }) => alert.spec.eventSeverity === 'error')
  return [
    'flux-relay: imported from Flux. Alerts are rules, and every rule that matches sends, as in Flux.',
    '',
    'What is different: Flux posts every event; the relay notifies of changes.',
    'Of a failure: its beginning, a new error, reminders (after 4 h, 8 h, 16 h, then daily) and its end.',
    'Heartbeats are silent. A rule with `notify: every` sends each event.',
    ...(hasErrors
      ? [
          '',
          'Some of what Flux calls an error is `warn` here (drift, conflicts of writing).',
          'So is some of what it calls info (rollbacks, waiting for dependencies).',
          '`severity: warn` without the latter is what `eventSeverity: error` was.'
        ]
      : [])
  ]
}

/** The comment on a rule: the Alerts that it stands for, and where it differs from them. */
function originOf(takeovers: readonly Takeover[]): string[] {
  const places = takeovers.map(({ alert }) => {
    const { file, line } = alert.at()
    return `${alert.namespace}/${alert.name}, ${file}:${line}`
  })
  const remarks = takeovers.flatMap(({ remarks, sources }) => [
    ...remarks,
    ...sources.flatMap((source) => source.remarks)
  ])
  const [only = '', ...others] = places
  const origin =
    others.length === 0
      ? [`Alert ${only}`]
      : [`${places.length} Alerts that differ in nothing that a rule can ask:`, ...places.map((place) => `- ${place}`)]
  return [
    ...origin,
    ...[...Map.groupBy(remarks, ({ message }) => message)].map(([message, same]) => {
      const lines = same.map(({ line }) => line)
      return `line${lines.length === 1 ? '' : 's'} ${lines.join(', ')}: ${message}`
    })
  ]
}

function commented(lines: readonly string[]): string {
  return lines.flatMap((line) => wrapped(line)).join('\n')
}

const longestLine = 116

function wrapped(text: string): string[] {
  const lines: string[] = ['']
  for (const part of clean(text).split(/\s+/).filter(Boolean)) {
    const line = `${lines.at(-1)} ${part}`
    if (line.length > longestLine) lines.push(`   ${part}`)
    else lines[lines.length - 1] = line
  }
  return lines
}

function pairOf(map: unknown, key: string): { key: Node } {
  return (map as YAMLMap).items.find((pair) => String(pair.key) === key) as { key: Node }
}

function itemsOf(collection: unknown): unknown[] {
  if (isMap(collection)) return collection.items.map(({ value }) => value)
  return isSeq(collection) ? collection.items : []
}

function flatten(collection: unknown): void {
  for (const inner of itemsOf(collection)) {
    const isShort = JSON.stringify(inner).length <= 90
    if ((isMap(inner) || isSeq(inner)) && isShort && !(inner as Node).commentBefore) inner.flow = true
    flatten(inner)
  }
}
