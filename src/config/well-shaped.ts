// Well-shaped: drops the misshapen values of a config file, so that the rest is checked in the same run.
import { isMap } from './narrow.ts'
import type { ConfigText } from './schema.ts'
import { standIn } from './secrets.ts'
import { type ShapeFault, shapeFaults } from './shape.ts'

type Entry = Record<string, unknown>
type Sections = Record<string, Record<string, unknown>>

// Entries without any fault, by section. Sections that are missing here have no entries.
const harmless: Record<string, Entry> = {
  sources: { tokens: [standIn] },
  slackApps: { token: standIn },
  destinations: { preview: true },
  severities: { severity: 'info' },
  links: { dashboard: standIn },
  mute: { name: '-', match: {}, until: '9999-01-01T00:00:00Z' },
  templates: {},
  owners: { send: [] },
  rules: { name: '', send: [] }
}

/**
 * `value` without its misshapen fields. What an entry then lacks is replaced by something that has no fault. `faults` are all those of
 * its shape.
 */
export function wellShaped(value: unknown, faults: readonly ShapeFault[]): ConfigText {
  if (faults.length === 0) return value as ConfigText
  // Nothing can be said about the sources of an illegible file.
  const copy = structuredClone(isMap(value) ? value : { sources: { default: harmless['sources'] } }) as Sections
  for (const { path } of faults) remove(copy, path.map(String))
  for (const [section, entry] of faults.map(({ path }) => path.map(String))) {
    if (section !== undefined && section in harmless && entry !== undefined) fill(copy, section, entry)
  }
  // A field that is misshapen throughout leaves one that lacks something: the field goes as a whole, and then the entry.
  for (const [section = '', entry = '', field] of entriesAtFault(shapeFaults(copy))) {
    if (field !== undefined) delete (copy[section]?.[entry] as Entry | undefined)?.[field]
    fill(copy, section, entry)
  }
  for (const [section = '', entry = ''] of entriesAtFault(shapeFaults(copy))) {
    if (copy[section] !== undefined) copy[section][entry] = standInFor(section, entry)
  }
  return { destinations: {}, rules: [], ...copy } as ConfigText
}

/** Removes what stands at a path. A list goes as a whole: otherwise the items behind a dropped one would be at wrong places. */
function remove(copy: Sections, [section = '', entry, ...rest]: string[]): void {
  if (entry === undefined) {
    delete copy[section]
    if (section === 'sources') copy[section] = { default: harmless['sources'] }
    // The rules are not at fault if all templates are gone.
    if (section === 'templates' && Array.isArray(copy['rules']))
      for (const rule of copy['rules'] as (Entry | null)[]) delete rule?.['template']
    return
  }
  const isOfEntries = section in harmless
  const keys = isOfEntries ? [section, entry, ...rest] : [section, entry, ...rest].filter((key) => !/^\d+$/.test(key))
  const firstIndex = keys.findIndex((key, at) => at > 1 && /^\d+$/.test(key))
  const path = firstIndex < 0 ? keys : keys.slice(0, firstIndex)
  const last = path.pop() ?? ''
  let place: unknown = copy
  for (const key of path) place = isMap(place) || Array.isArray(place) ? (place as Entry)[key] : undefined
  if (Array.isArray(place)) return
  // An entry stays, because of its name; its fields are filled in.
  if (isMap(place) && (path.length > 1 || !isOfEntries)) delete (place as Entry)[last]
}

function entriesAtFault(faults: readonly ShapeFault[]): string[][] {
  return (
    faults
      .map(({ path }) => path.map(String))
      // A rule that sends nothing stays: that is the least that a rule without `send` can mean.
      .filter(([section = '', entry, field]) => section in harmless && entry !== undefined && field !== 'send')
  )
}

/** Adds what an entry lacks. */
function fill(copy: Sections, section: string, entry: string): void {
  const entries = copy[section]
  if (entries === undefined) return
  const own = entries[entry]
  const whole = standInFor(section, entry)
  if (!isMap(own)) {
    entries[entry] = whole
    return
  }
  // Each of these may be given instead of another one.
  const { tokens, preview, until, dashboard, send, ...lacking } = whole
  const has = (...keys: string[]) => keys.some((key) => key in own)
  entries[entry] = {
    ...lacking,
    ...(tokens !== undefined && !has('tokens', 'hmacKeys') && { tokens }),
    ...(preview !== undefined && !has('slack', 'preview') && { preview }),
    ...(until !== undefined && !has('until', 'weekly') && { until }),
    ...(dashboard !== undefined && !has('repository', 'commit', 'compare', 'dashboard', 'pages') && { dashboard }),
    ...(send !== undefined && !has('channel', 'app') && { send }),
    ...own
  }
}

function standInFor(section: string, entry: string): Entry {
  return { ...harmless[section], ...(section === 'rules' && { name: `#${entry}` }) }
}
