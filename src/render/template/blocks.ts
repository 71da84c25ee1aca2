// Template blocks: fill `blocks:`. The structure is the operator's; events fill its texts.
import type { Fault } from '../../errors.ts'
import type { Block } from '../slack/blocks.ts'
import { slackTakes } from '../slack/limits.ts'
import { compileSlot, type Filling, type Place } from './slot.ts'

type Fill = (filling: Filling) => unknown

/** Compiles well-shaped blocks. When they are filled, parts that are empty for an event are left out. */
export function compileBlocks(
  blocks: readonly object[],
  path: Fault['path'],
  faults: Fault[]
): (filling: Filling) => Block[] {
  const fill = compileNode(blocks, path, slackTakes.text, faults)
  return (filling) => fill(filling) as Block[]
}

/** Compiles one node; `max` is the limit of the texts inside. */
function compileNode(node: unknown, path: Fault['path'], max: number, faults: Fault[]): Fill {
  if (Array.isArray(node)) {
    const items = node.map((item, index) => compileNode(item, [...path, index], max, faults))
    return (filling) => items.flatMap((fill) => fill(filling) ?? [])
  }
  if (typeof node !== 'object' || node === null) return () => node
  const { type } = node as { type?: string }
  const entries = Object.entries(node).map(([key, value]): [string, Fill] => {
    const inside = [...path, key]
    const place = placeOf(type, key, max)
    if (place !== undefined && typeof value === 'string') return [key, compileSlot(value, place, inside, faults)]
    return [key, compileNode(value, inside, maxTexts[`${type}.${key}`] ?? max, faults)]
  })
  return (filling) => whole(Object.fromEntries(entries.map(([key, fill]) => [key, fill(filling)])))
}

const maxTexts: Record<string, number> = {
  'header.text': slackTakes.header,
  'button.text': slackTakes.buttonText,
  'section.fields': slackTakes.field,
  'image.title': slackTakes.imageTitle
}

function placeOf(type: string | undefined, key: string, max: number): Place | undefined {
  if (key === 'text' && type === 'mrkdwn') return { form: 'mrkdwn', max }
  if (key === 'text' && type === 'plain_text') return { form: 'plain', max }
  if (key === 'alt_text') return { form: 'plain', max: slackTakes.altText }
  return key === 'image_url' || key === 'url' ? { form: 'url', max: slackTakes.url } : undefined
}

const needed: Record<string, readonly string[]> = {
  mrkdwn: ['text'],
  plain_text: ['text'],
  header: ['text'],
  context: ['elements'],
  actions: ['elements'],
  image: ['image_url', 'alt_text'],
  button: ['text', 'url']
}

/** Returns `object` without its empty parts, or nothing if Slack would refuse the rest: a text may not be empty. */
function whole(object: Record<string, unknown>): object | undefined {
  const isEmpty = (value: unknown) =>
    value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
  const rest = Object.fromEntries(Object.entries(object).filter(([, value]) => !isEmpty(value)))
  const { type } = rest
  if (needed[String(type)]?.some((key) => !(key in rest))) return undefined
  if (type === 'section' && !('text' in rest || 'fields' in rest)) return undefined
  return type === 'mrkdwn' ? { ...rest, verbatim: true } : rest
}
