// Template check: tries each template of the config file on every kind of event when the file is loaded.
import type { Fault } from '../../errors.ts'
import { customOf } from '../compose/fill-template.ts'
import { SlotError } from '../template/slot.ts'
import { type Custom, compileTemplate, type MessageTemplate, type TemplateText } from '../template/template.ts'
import { createSamples, type Sample } from './samples.ts'

export type Templates = ReadonlyMap<string, MessageTemplate>

/** Compiles the `templates:` section. What would fail or be cut in Slack is reported with a kind of event that shows it. */
export function compileTemplates(texts: Readonly<Record<string, TemplateText>>): {
  templates: Templates
  faults: Fault[]
} {
  const faults: Fault[] = []
  const templates = new Map<string, MessageTemplate>()
  const samples = Object.keys(texts).length > 0 ? createSamples() : []
  for (const [name, text] of Object.entries(texts)) {
    const own: Fault[] = []
    const template = compileTemplate(name, text, own)
    if (own.length === 0) own.push(...tried(template, text, samples))
    templates.set(name, template)
    faults.push(...own)
  }
  return { templates, faults }
}

/** Returns the faults of a template that compiles: each place once, with the first kind of event that shows it. */
function tried(template: MessageTemplate, text: TemplateText, samples: readonly Sample[]): Fault[] {
  const faults = new Map<string, Fault>()
  const report = (fault: Fault) => {
    const key = fault.path.join('\n')
    if (!faults.has(key)) faults.set(key, fault)
  }
  for (const { title, event, previousRevision, view, isExtreme } of samples) {
    const occasion = { event, previousRevision, rule: 'failures', destination: 'platform' }
    const onCut = (path: Fault['path'], max: number) => {
      if (isExtreme) return
      report({ path, message: `is cut to the ${max} characters that Slack takes, for ${title}`, isWarning: true })
    }
    try {
      const custom = customOf(view, template, occasion, onCut)
      for (const part of isExtreme ? [] : emptyParts(custom, text)) {
        const message = `is empty for ${title}, which is shown as it would be without a template`
        report({ path: ['templates', template.name, part], message, isWarning: true })
      }
    } catch (error) {
      if (!(error instanceof SlotError)) throw error
      const { path, message, offset } = error
      report({ path, message: `${message}, for ${title}`, offset })
    }
  }
  return [...faults.values()]
}

function emptyParts(custom: Custom, text: TemplateText): string[] {
  return (['title', 'summary', 'blocks'] as const).filter(
    (part) => text[part] !== undefined && (custom[part] === undefined || custom[part].length === 0)
  )
}
