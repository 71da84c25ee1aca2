// Filling: fills a rule's template for one notification, when its event is accepted.

import type { FluxEvent } from '../../events/flux.ts'
import { parseRevision } from '../../events/revision.ts'
import { clean } from '../../legible.ts'
import { cutMiddle } from '../slack/mrkdwn.ts'
import { unmarked } from '../slack/terminal.ts'
import { Said, saidUrl } from '../template/pieces.ts'
import type { Filling } from '../template/slot.ts'
import type { Custom, MessageTemplate } from '../template/template.ts'
import { decisivePart } from './emphasis.ts'
import { newsOf } from './facts.ts'
import { gistLines } from './message.ts'
import { nameOf } from './name.ts'
import { saidIn } from './said.ts'
import type { View } from './view.ts'

/** Values that a template may use besides the view. */
export interface Occasion {
  event: FluxEvent
  /** The last good revision before the event. */
  previousRevision: string
  rule: string
  destination: string
}

/**
 * Returns `view` as `template` shapes it. If the template fails, returns the view as it was, and why: a mistake in a template must
 * not cost a notification.
 */
export function dress(view: View, template: MessageTemplate, occasion: Occasion): { view: View; because?: string } {
  try {
    return { view: { ...view, custom: customOf(view, template, occasion) } }
  } catch (error) {
    return { view, because: (error as Error).message.slice(0, 300).toWellFormed() }
  }
}

/** Fills in the template; throws a SlotError if it cannot be filled. */
export function customOf(view: View, template: MessageTemplate, occasion: Occasion, onCut?: Filling['onCut']): Custom {
  return template.fill(variablesOf(view, occasion), onCut)
}

// Flux's own bound for a message; both ends of a longer one are kept.
const maxMessage = 39_000

function variablesOf(view: View, { event, previousRevision, rule, destination }: Occasion): object {
  const { summary, log = [] } = saidIn(view)
  const previous = view.previous && parseRevision(clean(previousRevision))
  return {
    event: {
      message: cutMiddle(clean(event.message), maxMessage),
      summary,
      gist: new Said(summary, () => gistLines(view).join('\n')),
      decisive: decisivePart(summary),
      log: log.join('\n'),
      reason: view.reason,
      severity: view.severity,
      source: event.source,
      controller: view.controller,
      action: event.action,
      at: new Date(view.at).toISOString(),
      metadata: event.metadata
    },
    object: { ...view.object, path: nameOf(view) },
    related: event.related,
    revision: event.revision && { ...event.revision, subject: view.subject },
    previous,
    failure: view.failure && {
      ...view.failure,
      since: new Date(view.failure.since).toISOString(),
      before: view.wasReason,
      wasWarning: view.wasWarning,
      ending: view.ending,
      isFixed: view.isFix,
      news: new Said(unmarked(newsOf(view)), () => newsOf(view)),
      ...(view.nextReminderMs !== undefined && { nextReminder: view.nextReminderMs / 1000 })
    },
    shown: shownIn(view),
    links: linksOf(view),
    metadata: event.metadata,
    transition: view.says,
    rule,
    destination
  }
}

/** Returns the Alert's summary and the metadata that the config shows, by name; an address becomes a link with that name. */
function shownIn({ about, facts = [] }: View): [string, string][] {
  return [
    ...(about ? [['summary', about] as [string, string]] : []),
    ...facts.map(({ name, value }): [string, string] => [name, value])
  ]
}

function linksOf({ revision, previous, url, pages = [] }: View): object {
  return {
    ...(revision?.url && { commit: saidUrl(revision.url) }),
    ...(previous?.url && { compare: saidUrl(previous.url) }),
    ...(url && { dashboard: saidUrl(url) }),
    pages: pages.map(({ name, url }) => [name, saidUrl(url)])
  }
}
