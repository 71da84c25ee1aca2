// Links: find the pages of an object, a commit and a change of revision.

import { closedObject, option } from '../../about.ts'
import type { Fault } from '../../errors.ts'
import type { FluxEvent } from '../../events/flux.ts'
import { parseRevision } from '../../events/revision.ts'
import { type Static, Type } from '../../json-schema.ts'
import { compileFilter } from '../../rules/rules.ts'
import { MatchSchema } from '../../rules/schema.ts'
import { linkTarget } from '../slack/mrkdwn.ts'
import { compileUrl, type Template, type Variables } from '../template/liquid.ts'
import { gitHosts, guessLinks } from './repository.ts'

const UrlTemplate = Type.String({
  maxLength: 2000,
  pattern: '^https?://',
  patternErrorMessage: 'it must begin with https:// or http://'
})

export const LinkSchema = closedObject({
  match: option(
    MatchSchema,
    'Match',
    'Which events get these links, by the matchers of a rule. If left out, all of them.',
    {
      namespace: 'flux-system'
    }
  ),
  repository: option(
    Type.String({ minLength: 1, maxLength: 500 }),
    'Repository',
    'The address of the Git repository. `commit` and `compare` follow from it if they are not given.',
    'https://github.com/acme/fleet'
  ),
  host: option(
    Type.Enum([...gitHosts]),
    'Host',
    'The kind of Git server that hosts the repository, if its name does not show it.',
    'gitlab'
  ),
  commit: option(
    UrlTemplate,
    'Commit',
    'The page of the revision that was applied.',
    'https://github.com/acme/fleet/commit/{{ revision.sha }}'
  ),
  compare: option(
    UrlTemplate,
    'Comparison',
    'The page that compares the revision with the one before.',
    'https://github.com/acme/fleet/compare/{{ previous.sha }}...{{ revision.sha }}'
  ),
  dashboard: option(
    UrlTemplate,
    'Dashboard',
    'The page of the object.',
    'https://flux.acme.dev/{{ object.kind | downcase }}/{{ object.namespace }}/{{ object.name }}'
  ),
  pages: option(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      minProperties: 1,
      propertyNames: { minLength: 1, maxLength: 40 },
      additionalProperties: { ...UrlTemplate, description: 'The address of the page.' }
    }),
    'Pages',
    'Other pages. Each key is the text of a link at the end of a message.',
    {
      Grafana: 'https://grafana.acme.dev/d/flux?var-ns={{ object.namespace }}',
      Runbook: 'https://wiki.acme.dev/flux'
    }
  )
})

export interface Links {
  /**
   * Finds the links for an event: each from the first matching entry that has it. A link whose variables are empty for this event
   * is left out.
   */
  of(
    event: FluxEvent,
    previousRevision: string
  ): {
    commit?: string
    dashboard?: string
    previous?: { text: string; url?: string }
    pages?: { name: string; url: string }[]
  }
}

/** A template of an entry. A guessed one is only for commits of Git, not for digests or versions of charts. */
type LinkTemplate = Template & { isGuessed?: true }
type LinkTemplates = Partial<Record<(typeof kinds)[number], LinkTemplate>>

const kinds = ['commit', 'compare', 'dashboard'] as const
const revisionFields = ['text', 'pointer', 'sha', 'short']
const variables: Variables = new Set([
  ...['cluster', 'kind', 'namespace', 'name'].map((field) => `object.${field}`),
  ...revisionFields.map((field) => `revision.${field}`),
  ...revisionFields.map((field) => `previous.${field}`)
])

/** Compiles the `links:` section. */
export function compileLinks(texts: readonly Static<typeof LinkSchema>[]): { links: Links; faults: Fault[] } {
  const faults: Fault[] = []
  const entries = texts.map((text, index) => {
    const path = ['links', index]
    const matches = compileFilter(text.match ?? {}, [...path, 'match'], faults)
    const templates: LinkTemplates = guessed(text, path, faults)
    const compile = (source: string, place: Fault['path']) => {
      const compiled = compileUrl(source, variables)
      if (!('error' in compiled)) return compiled
      faults.push({ path: place, message: compiled.error, offset: compiled.offset })
      return undefined
    }
    for (const kind of kinds) {
      const template = text[kind] === undefined ? undefined : compile(text[kind], [...path, kind])
      if (template !== undefined) templates[kind] = template
    }
    const pages = Object.entries(text.pages ?? {}).flatMap(([name, source]) => {
      const template = compile(source, [...path, 'pages', name])
      return template === undefined ? [] : [{ name, template }]
    })
    return { matches, templates, pages }
  })
  return { faults, links: { of: (event, previousRevision) => linksOf(entries, event, previousRevision) } }
}

/** Compiles the links that follow from the repository. */
function guessed({ repository, host }: Static<typeof LinkSchema>, path: Fault['path'], faults: Fault[]): LinkTemplates {
  if (repository === undefined) {
    if (host !== undefined) faults.push({ path: [...path, 'host'], message: 'host is for a repository: add one' })
    return {}
  }
  const links = guessLinks(repository, host)
  if ('error' in links) {
    faults.push({ path: [...path, 'repository'], message: links.error })
    return {}
  }
  const templates: LinkTemplates = {}
  for (const kind of ['commit', 'compare'] as const) {
    const compiled = compileUrl(links[kind], variables)
    if (!('error' in compiled)) templates[kind] = { ...compiled, isGuessed: true }
  }
  return templates
}

// Flux takes nothing else for a commit (fluxcd/pkg git/git.go).
const gitSha = /^[0-9a-f]{40}$/i

/** Says why the template `text` makes no http(s) URL whatever its values are; undefined if it can make one. */
export function urlFault(text: string): string | undefined {
  const sample = text.replace(/\{\{.*?\}\}|\{%.*?%\}/gs, 'x')
  return linkTarget(sample) === undefined ? 'makes no http(s) URL that Slack takes' : undefined
}

interface Entry {
  matches: ReturnType<typeof compileFilter>
  templates: LinkTemplates
  pages: readonly { name: string; template: Template }[]
}

function linksOf(entries: readonly Entry[], event: FluxEvent, previousRevision: string): ReturnType<Links['of']> {
  const previous = previousRevision === '' ? undefined : parseRevision(previousRevision)
  const isOther = previous !== undefined && event.revision !== undefined && previous.text !== event.revision.text
  if (entries.length === 0) return isOther ? { previous: { text: previous.short } } : {}

  const matching = entries.filter(({ matches }) => matches({ event, transition: 'informed' }))
  const context = {
    object: event.object,
    revision: event.revision ?? {},
    previous: previous ?? {},
    metadata: event.metadata
  }
  const isCommit = {
    commit: gitSha.test(event.revision?.sha ?? ''),
    compare: [previous, event.revision].every((revision) => gitSha.test(revision?.sha ?? '')),
    dashboard: true
  }
  const url = (kind: (typeof kinds)[number]) => {
    const template = matching.find(({ templates }) => templates[kind])?.templates[kind]
    if (template?.isGuessed && !isCommit[kind]) return undefined
    return addressOf(template, context)
  }
  const pages = new Map<string, string>()
  for (const { name, template } of matching.flatMap(({ pages }) => pages)) {
    const address = pages.has(name) ? undefined : addressOf(template, context)
    if (address !== undefined) pages.set(name, address)
  }
  const commit = url('commit')
  const dashboard = url('dashboard')
  const compare = isOther ? url('compare') : undefined
  return {
    ...(commit !== undefined && { commit }),
    ...(dashboard !== undefined && { dashboard }),
    ...(isOther && { previous: { text: previous.short, ...(compare !== undefined && { url: compare }) } }),
    ...(pages.size > 0 && { pages: [...pages].map(([name, url]) => ({ name, url })) })
  }
}

/** Returns the address that a template makes. It is checked again, because a value may have made something else of it. */
function addressOf(template: Template | undefined, context: Record<string, unknown>): string | undefined {
  const rendered = template?.render(context)
  return rendered !== undefined && linkTarget(rendered) !== undefined ? rendered : undefined
}
