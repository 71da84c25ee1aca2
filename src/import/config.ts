// Imported config: writes the config file of an import, for people to read, change and keep.
import { Document, isMap, isSeq, type Node, type YAMLMap } from 'yaml'
import type { ConfigText } from '../config/schema.ts'
import { hmacVariable } from './destination.ts'
import type { Import, Takeover } from './import.ts'

/** As many as a config file may list. */
const maxShown = 10

/** The text of a config file for `imported`. Every variable it refers to has to be set before it loads. */
export function configOf({ takeovers, targets, metadata }: Import): string {
  // A variable of Flux's is not one of the relay's.
  const cluster = metadata['cluster']?.includes('${') ? undefined : metadata['cluster']
  const shown = shownOf(takeovers)
  const ofApps = targets.flatMap((target) => (target.app === undefined ? [] : [{ ...target, app: target.app }]))
  const apps = [...new Map(ofApps.map((target) => [target.app.name, target])).values()]
  const config: ConfigText = {
    ...(cluster && { cluster: cluster.slice(0, 253) }),
    sources: { default: { hmacKeys: [`\${${hmacVariable}}`] } },
    ...(apps.length > 0 && { slackApps: Object.fromEntries(apps.map(({ app }) => [app.name, app.text])) }),
    destinations: Object.fromEntries(targets.map(({ name, text }) => [name, text])),
    // Flux shows all of them in every message.
    ...(shown.length > 0 && { show: shown }),
    rules: takeovers.flatMap(({ rules }) => rules)
  }
  const document = new Document(config, { aliasDuplicateObjects: false })
  document.commentBefore = commented(head(takeovers))
  for (const key of Object.keys(config).slice(1)) pairOf(document.contents, key).key.spaceBefore = true

  const destinations = document.get('destinations')
  for (const { app, variable } of apps) {
    pairOf(document.get('slackApps'), app.name).key.commentBefore = commented([`${variable.name}: ${variable.what}`])
  }
  for (const { name, variable, app } of targets) {
    if (app === undefined)
      pairOf(destinations, name).key.commentBefore = commented([`${variable.name}: ${variable.what}`])
  }
  const origins = takeovers.flatMap((takeover) => takeover.rules.map((_, part) => originOf(takeover, part)))
  origins.forEach((origin, index) => {
    const rule = document.getIn(['rules', index], true) as Node
    rule.commentBefore = commented(origin)
    rule.spaceBefore = index > 0
  })
  // Short lists and maps stand on one line.
  const apart = [...itemsOf(destinations), ...itemsOf(document.get('rules'))]
  for (const node of [document.getIn(['sources', 'default']), document.get('slackApps'), ...apart]) flatten(node)
  return document.toString({ lineWidth: 0 })
}

/** Keys of the metadata that Alerts add. The cluster is in the first line of a message, and the summary always shown. */
function shownOf(takeovers: readonly Takeover[]): string[] {
  const keys = takeovers.flatMap(({ alert }) => Object.keys(alert.spec.eventMetadata ?? {}))
  const names = new Set(keys.filter((key) => key !== 'cluster' && key !== 'summary' && key.length <= 100))
  return [...names].slice(0, maxShown)
}

function head(takeovers: readonly Takeover[]): string[] {
  const hasErrors = takeovers.some(({ alert }) => alert.spec.eventSeverity === 'error')
  return [
    'flux-relay: imported from Flux. Each Alert is a rule, and every rule that matches sends, as in Flux.',
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

function originOf({ alert, remarks }: Takeover, part: number): string[] {
  const { file, line } = alert.at()
  const origin = `Alert ${alert.namespace}/${alert.name}, ${file}:${line}`
  if (part > 0) return [`${origin}, continued`]
  return [origin, ...remarks.map((remark) => `line ${remark.line}: ${remark.message}`)]
}

function commented(lines: readonly string[]): string {
  return lines.flatMap((line) => wrapped(line)).join('\n')
}

const longestLine = 116

function wrapped(text: string): string[] {
  const lines: string[] = ['']
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const line = `${lines.at(-1)} ${word}`
    if (line.length > longestLine) lines.push(`   ${word}`)
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
