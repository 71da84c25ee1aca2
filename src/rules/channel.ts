// Channel: reads the channel that an event names out of its metadata, as an entry of `owners` says. Pure.
import type { Fault } from '../errors.ts'

/** Returns the channel without the "#" before it; undefined if the metadata names none. */
export type ChannelOf = (metadata: Readonly<Record<string, string>>) => string | undefined

const placeholder = /\{\{\s*metadata(?:\.([\w-]+)|\[\s*"([^"\]]+)"\s*\]|\[\s*'([^'\]]+)'\s*\])\s*\}\}/g

/**
 * Compiles `text`, such as `{{ metadata.slack_channel }}` or `team-{{ metadata.team }}`. If it is anything else, a fault says so.
 */
export function compileChannel(text: string, path: Fault['path'], faults: Fault[]): ChannelOf {
  const form = 'write "{{ metadata.slack_channel }}", with the key that names the channel'
  const rest = text.replace(placeholder, '')
  if (/\{\{|\}\}|\{%/.test(rest)) {
    faults.push({ path, message: `only values of the metadata may stand here: ${form}` })
  } else if (rest === text) {
    faults.push({
      path,
      message: `names one channel for all events: make it a destination and \`send\` to it; or ${form}`
    })
  }
  const parts = partsOf(text)
  return (metadata) => {
    let channel = ''
    for (const { literal, key } of parts) {
      channel += literal
      if (key === undefined) continue
      // Own keys only, because every object has a `constructor`.
      const value = Object.hasOwn(metadata, key) ? (metadata[key] ?? '').trim() : ''
      if (value === '') return undefined
      channel += value
    }
    return channel.trim().replace(/^#/, '')
  }
}

function partsOf(text: string): { literal: string; key?: string }[] {
  const parts: { literal: string; key?: string }[] = []
  let from = 0
  for (const found of text.matchAll(placeholder)) {
    const [whole, dotted, double, single] = found
    parts.push({ literal: text.slice(from, found.index), key: dotted ?? double ?? single ?? '' })
    from = found.index + whole.length
  }
  return [...parts, { literal: text.slice(from) }]
}
