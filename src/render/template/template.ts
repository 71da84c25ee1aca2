// Templates: replace the relay's own form of a message if `templates:` says so.

import { closedObject, option } from '../../about.ts'
import type { Fault } from '../../errors.ts'
import { type Static, Type } from '../../json-schema.ts'
import type { Block } from '../slack/blocks.ts'
import { slackTakes, templateRoom } from '../slack/limits.ts'
import { factsLine, plain } from '../slack/mrkdwn.ts'
import { BlocksSchema } from './block-schema.ts'
import { compileBlocks } from './blocks.ts'
import { compileSlot, type Filling, type Slot, SlotError } from './slot.ts'

const source = { maxLength: 10_000 }

export const TemplateSchema = closedObject({
  title: option(
    Type.String(source),
    'Title',
    'The first line of a message.',
    '{{ transition | state }} *{{ object.kind }} {{ object.namespace }}/{{ object.name }}*'
  ),
  summary: option(
    Type.String(source),
    'Summary',
    'The line of one object in a digest of several.',
    '*{{ object.name }}*: {{ event.message | first_line }}'
  ),
  gist: option(
    Type.String(source),
    'Gist',
    'Replaces the second line, which says what is wrong. An empty text shows nothing.',
    '{{ event.gist }}'
  ),
  body: option(
    Type.String(source),
    'Body',
    'Replaces the lines of a log, and the line that says what is wrong if there is no `gist`. An empty text shows nothing.',
    '{{ event.message | fence }}'
  ),
  facts: option(
    Type.String(source),
    'Facts',
    'Replaces the small last line, which has kind, reason, revision, time and metadata. Each line of the text is one fact. Empty lines are left out.',
    '{{ object.kind }}\n{{ event.reason }}\n{{ event.at | time }}'
  ),
  fields: option(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      minProperties: 1,
      maxProperties: slackTakes.fields,
      propertyNames: { maxLength: 75 },
      additionalProperties: { type: 'string', ...source, description: 'The value below the label.' }
    }),
    'Fields',
    'Labels and values that replace the small last line.',
    { Cluster: '{{ object.cluster }}', Revision: '{{ revision.short }}' }
  ),
  blocks: option(
    BlocksSchema,
    'Blocks',
    "The whole message as Block Kit blocks, as Slack's Block Kit Builder prints them. Their texts are templates.",
    [{ type: 'section', text: { type: 'mrkdwn', text: '{{ event.message }}' } }]
  )
})

export type TemplateText = Static<typeof TemplateSchema>

/** A filled-in template, as mrkdwn: stored with the view, so that a reload does not change what was promised. */
export interface Custom {
  title?: string
  summary?: string
  /** Empty shows nothing. */
  gist?: string
  /** Empty shows nothing. */
  body?: string
  /** Empty shows nothing. */
  facts?: string
  fields?: string[]
  blocks?: Block[]
}

export interface MessageTemplate {
  name: string
  /** Throws a SlotError if it cannot be filled in. */
  fill(variables: object, onCut?: Filling['onCut']): Custom
}

type Fill = (filling: Filling) => Custom

/** Compiles one well-shaped template. Its faults are those of its texts. */
export function compileTemplate(name: string, text: TemplateText, faults: Fault[]): MessageTemplate {
  const path = ['templates', name]
  if (text.blocks !== undefined) {
    for (const part of ['gist', 'body', 'facts', 'fields'] as const) {
      if (text[part] === undefined) continue
      faults.push({
        path: [...path, part],
        message: `a template has either ${part} or blocks: blocks are the whole message`
      })
    }
  }
  if (text.facts !== undefined && text.fields !== undefined) {
    faults.push({ path: [...path, 'facts'], message: 'a template has either facts or fields: both are the last line' })
  }
  const fill = compileParts(text, path, faults)
  return { name, fill: (variables, onCut) => fitting(fill, { variables, ...(onCut && { onCut }) }, path) }
}

function compileParts(text: TemplateText, path: string[], faults: Fault[]): Fill {
  const { title, summary, gist, body, facts, fields, blocks } = text
  const slot = (part: string, text: string | undefined, form: 'mrkdwn' | 'line', max: number): Slot | undefined =>
    text === undefined ? undefined : compileSlot(text, { form, max }, [...path, part], faults)
  const fillTitle = slot('title', title, 'line', templateRoom.title)
  const fillSummary = slot('summary', summary, 'line', templateRoom.summary)
  const fillGist = slot('gist', gist, 'mrkdwn', templateRoom.gist)
  const fillBody = slot('body', body, 'mrkdwn', templateRoom.body)
  const fillFacts = slot('facts', facts, 'mrkdwn', templateRoom.body)
  const fillFields =
    fields &&
    Object.entries(fields).map(([label, text]) => compileField(label, text, [...path, 'fields', label], faults))
  const fillBlocks = blocks && compileBlocks(blocks, [...path, 'blocks'], faults)
  return (filling) => ({
    ...(fillTitle && shown('title', fillTitle(filling))),
    // A line of a digest has only so much room, however little else there is to say.
    ...(fillSummary && shown('summary', fillSummary({ ...filling, scale: 1 }))),
    ...(fillGist && { gist: fillGist(filling) }),
    ...(fillBody && { body: fillBody(filling) }),
    ...(fillFacts && {
      facts: factsLine(
        fillFacts(filling)
          .split('\n')
          .map((fact) => fact.trim())
      )
    }),
    ...(fillFields && { fields: fillFields.map((fill) => fill(filling)).filter((field) => field !== '') }),
    ...(fillBlocks && { blocks: fillBlocks(filling) })
  })
}

/** Leaves an empty text out, so that it is not shown instead of a name. */
function shown(part: 'title' | 'summary', text: string): Custom {
  return text === '' ? {} : { [part]: text }
}

function compileField(label: string, text: string, path: Fault['path'], faults: Fault[]): Slot {
  const fill = compileSlot(text, { form: 'mrkdwn', max: templateRoom.field }, path, faults)
  const name = `*${plain(label)}*\n`
  return (filling) => {
    const value = fill(filling)
    return value === '' ? '' : name + value
  }
}

/** Fills in a template as it is, or with less of every value until the whole fits into a message. */
function fitting(fill: Fill, filling: Omit<Filling, 'scale'>, path: string[]): Custom {
  for (const scale of [1, 0.5, 0.25, 0.1]) {
    const custom = fill({ ...filling, scale })
    const json = JSON.stringify(custom)
    if (textLength(custom) <= templateRoom.text && new TextEncoder().encode(json).length <= templateRoom.bytes)
      return custom
  }
  throw new SlotError(`is longer than ${templateRoom.text} characters in all, even with its values cut`, path)
}

function textLength(value: unknown): number {
  if (typeof value === 'string') return value.length
  return Object.values(value ?? {}).reduce((sum: number, inner) => sum + textLength(inner), 0)
}
