// Filters: gives message templates our own filters, and those of Liquid that are useful and harmless.
import type { FilterImplOptions, Liquid } from 'liquidjs'
import { parseTime, sayAbout, sayDuration } from '../../duration.ts'
import { oneLine } from '../../legible.ts'
import type { Transition } from '../../objects.ts'
import { faceFor } from '../slack/looks.ts'
import { code, fence, link, time, utc, words } from '../slack/mrkdwn.ts'
import { type Called, phraseOf } from '../slack/phrases.ts'
import { Said } from './pieces.ts'

// The filters of Liquid that are kept: no `raw`, nothing that reads a clock or throws dice (`date: "now"`, `sample`), nothing that
// runs a text as an expression (`where_exp`), nothing for HTML.
const kept = new Set([
  ...['append', 'prepend', 'capitalize', 'downcase', 'upcase', 'strip', 'lstrip', 'rstrip', 'squish', 'default'],
  ...['strip_newlines', 'remove', 'remove_first', 'remove_last', 'replace', 'replace_first', 'replace_last'],
  ...['truncate', 'truncatewords', 'slice', 'split', 'join', 'first', 'last', 'size', 'reverse', 'sort', 'uniq'],
  ...['compact', 'concat', 'url_encode', 'plus', 'minus', 'times', 'divided_by', 'modulo', 'round', 'ceil', 'floor'],
  ...['abs', 'at_least', 'at_most']
])

// A template is one text: there are no others to include, and a tag that counts would change the variables.
const withoutTags = ['include', 'render', 'layout', 'block', 'tablerow', 'increment', 'decrement']

/** Gives `engine` these filters and no others. */
export function installFilters(engine: Liquid): void {
  for (const name of Object.keys(engine.filters)) if (!kept.has(name)) engine.unregisterFilter(name)
  for (const name of withoutTags) delete engine.tags[name]
  for (const [name, filter] of Object.entries(ours)) engine.registerFilter(name, filter)
}

/** Returns the mention of `name`: the id of a person or a group, `here` or `channel`; undefined for anything else. */
export function mentionOf(name: string): string | undefined {
  if (name === 'here' || name === 'channel') return `<!${name}>`
  if (/^[UW][A-Z0-9]{5,}$/.test(name)) return `<@${name}>`
  return /^S[A-Z0-9]{5,}$/.test(name) ? `<!subteam^${name}>` : undefined
}

/** Returns the part of the variables that decides the phrase and the face of a state. */
function calledIn(environments: object): Omit<Called, 'says'> & { isOfFailure: boolean; isAt: boolean } {
  const { event, failure, revision } = environments as {
    event: { severity: Called['severity']; reason: string }
    failure?: { ending?: NonNullable<Called['ending']>; reason: string; wasWarning?: true }
    revision?: object
  }
  const isOfFailure = failure !== undefined
  const reason = failure?.reason ?? event.reason
  const { ending, wasWarning } = failure ?? {}
  return { severity: event.severity, reason, ending, wasWarning, isOfFailure, isAt: revision !== undefined }
}

const ours: Record<string, FilterImplOptions> = {
  state(value: unknown) {
    const { isOfFailure, ...called } = calledIn(this.context.environments)
    const face = faceFor(textOf(value), called, isOfFailure)
    return face === undefined ? value : new Said(`${face.emoji} ${face.word}`, (text) => text)
  },
  glyph(value: unknown) {
    const { isOfFailure, ...called } = calledIn(this.context.environments)
    const face = faceFor(textOf(value), called, isOfFailure)
    return face === undefined ? value : new Said(face.emoji, (text) => text)
  },
  words(value: unknown) {
    const { isOfFailure, isAt, ...called } = calledIn(this.context.environments)
    const says = textOf(value)
    if (faceFor(says, called, isOfFailure) === undefined) return value
    return says === 'updated' && !isAt ? '' : phraseOf({ ...called, says: says as Transition }, isOfFailure).words
  },
  lasting(value: unknown) {
    const at = parseTime(textOf(value))
    const { event } = this.context.environments as { event: { at: string } }
    return Number.isNaN(at) ? value : sayAbout(Date.parse(event.at) - at)
  },
  first_line(value: unknown) {
    const text = textOf(value)
    this.context.memoryLimit.use(text.length)
    return text.split('\n').find((line) => line.trim() !== '')
  },
  shorten(value: unknown, max: unknown = 80) {
    this.context.memoryLimit.use(textOf(value).length)
    return shortened(value, Math.max(1, Number(max) || 80))
  },
  duration: (value: unknown) => {
    const seconds = Number(textOf(value))
    return textOf(value) === '' || !Number.isFinite(seconds) ? value : sayDuration(seconds * 1000)
  },
  ago(value: unknown) {
    const at = parseTime(textOf(value))
    const { event } = this.context.environments as { event: { at: string } }
    return Number.isNaN(at) ? value : `${sayDuration(Date.parse(event.at) - at)} ago`
  },
  time: (value: unknown) => {
    const at = parseTime(textOf(value))
    return Number.isNaN(at) ? value : new Said(utc(at), () => time(at))
  },
  code: (value: unknown) => new Said(textOf(value), code),
  fence: (value: unknown) => new Said(textOf(value), (text) => (text === '' ? '' : fence(text))),
  link: (value: unknown, label: unknown) => {
    const url = textOf(value)
    const name = label === undefined || label === null || label === '' ? url : textOf(label)
    return new Said(name, (text) => link(url, words(oneLine(text))))
  },
  mention: (value: unknown) => {
    const mention = mentionOf(textOf(value))
    return new Said('', () => mention ?? '')
  }
}

/** Returns the text of a value. Throws for a value with parts: `{{ failure }}` would print nothing of use. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return value.map(textOf).join('')
  if (value instanceof Said || typeof value !== 'object') return String(value)
  throw new Error(`there is more than one value in it: ${Object.keys(value).slice(0, 6).join(', ')}; name one of them`)
}

function shortened(value: unknown, max: number): unknown {
  const points = [...textOf(value)]
  if (points.length <= max) return value
  const text = `${points
    .slice(0, max - 1)
    .join('')
    .trimEnd()}…`
  return value instanceof Said ? new Said(text, value.form) : text
}
