// Rules page: lists the rules in their order, with what each has done.
import { html } from 'hono/html'
import { sayDuration } from '../duration.ts'
import { longestReminderMs } from '../rules/judge.ts'
import { type Owner, type OwnersTable, sayMatch } from '../rules/owners.ts'
import type { Rule } from '../rules/rule.ts'
import type { RuleHits } from '../store/records.ts'
import { address, type Html } from './page.ts'
import { ago, badge } from './parts.ts'

/** A rule's use in the last 24 hours. `lastAt` is undefined if none of its notifications is still kept. */
export type RuleUse = Pick<RuleHits, 'events' | 'messages' | 'isPart'> & { lastAt: number | undefined }

export interface RulesUse {
  /** By the name of the rule; a rule whose use was not read is missing. */
  uses: ReadonlyMap<string, RuleUse>
  /** Retention of notifications, in ms. */
  keptMs: number
  now: number
}

/** Owners listed; a table may have thousands. */
const maxOwners = 200

export function rulesPage(rules: readonly Rule[], { all }: OwnersTable, use: RulesUse): Html {
  return html`<div class="line"><h1>Rules</h1> <a class="button" href="/rules/try">Try an event</a></div>
<p class="quiet">In the order of the config file. Every rule that matches sends, until one that is final. In 24 hours: the events that it notified of, and the messages that said so. Amber: nothing for as long as notifications are kept.</p>
<table class="card rules" id="rules" data-live>
<thead><tr><th scope="col">Rule</th><th scope="col">Matches</th><th scope="col">Sends to</th><th scope="col">In 24 h</th></tr></thead>
<tbody>${rules.map((rule, index) => ruleRow(rule, index + 1, use))}</tbody>
</table>
${all.length > 0 && ownersCard(all)}`
}

function ruleRow(rule: Rule, number: number, { uses, keptMs, now }: RulesUse): Html {
  const { name, conditions, send, isToOwner } = rule
  const use = uses.get(name)
  const matcher = conditions.map(({ key, wanted }) => `${key}: ${wanted}`).join('\n')
  return html`<tr id="rule-${encodeURIComponent(name)}">
  <th scope="row"><span class="quiet">${number}.</span> <a class="object" href="${address('/events', { rule: name })}"><b>${name}</b></a> ${rule.isFinal && badge('grey', 'final')}</th>
  <td data-label="Matches">${conditions.length === 0 ? html`<span class="quiet">every event</span>` : html`<code class="yaml">${matcher}</code>`}</td>
  <td data-label="Sends to"><div>${send.map((destination, index) => html`${index > 0 && ', '}<a href="/preview/${destination}">${destination}</a>`)}${isToOwner && html`${send.length > 0 && ', '}<a href="#owners">the owner</a>`}
  <p class="quiet">${habitsOf(rule).join(' · ')}</p></div></td>
  <td data-label="In 24 h"><div>${use && useBadge(use, keptMs)}${use?.lastAt !== undefined && html` <span class="quiet">last ${ago(use.lastAt, now)}</span>`}</div></td>
</tr>`
}

function ownersCard(owners: readonly Owner[]): Html {
  const rest = owners.length - maxOwners
  return html`<h2>Owners</h2>
<p class="quiet">The first entry that matches is whom an event belongs to, for rules that send to the owner.</p>
<ol class="card rows" id="owners">${owners.slice(0, maxOwners).map(ownerRow)}</ol>
${rest > 0 && html`<p class="quiet">… and ${rest} more in the config file</p>`}`
}

function ownerRow(owner: Owner): Html {
  const { entry, send, channel, mention } = owner
  const to = channel === undefined ? send.join(', ') : `${channel.wanted} of ${channel.app}, of ${channel.allowed}`
  return html`<li id="owner-${entry}"><p><code>${sayMatch(owner) || 'everything'}</code> → ${to}${mention && ` · pings ${mention}`}</p></li>`
}

function useBadge({ events, messages, isPart, lastAt }: RuleUse, keptMs: number): Html {
  const counted = (count: number, what: string) =>
    `${count.toLocaleString('en')}${isPart ? '+' : ''} ${what}${count === 1 && !isPart ? '' : 's'}`
  if (events > 0) return html`${badge('green', counted(events, 'event'))} ${counted(messages, 'message')}`
  return lastAt === undefined ? badge('amber', `none in ${sayDuration(keptMs)}`) : badge('grey', 'none in 24 h')
}

/** The wait doubles with each reminder, unless it is a day or more already. */
function sayReminders(everyMs: number | undefined): string {
  if (everyMs === undefined) return 'no reminders'
  return everyMs < longestReminderMs
    ? `reminds after ${sayDuration(everyMs)}, then up to a day apart`
    : `reminds every ${sayDuration(everyMs)}`
}

function habitsOf({ notify, remindEveryMs, forMs, group, mention, template, rollouts }: Rule): string[] {
  if (rollouts !== undefined) return [`each rollout as one, settled after ${sayDuration(rollouts.settleMs)}`]
  return [
    ...(notify === 'every' ? ['every event'] : ['changes only', sayReminders(remindEveryMs)]),
    ...(forMs > 0 ? [`only what lasts for ${sayDuration(forMs)}`] : []),
    ...(group ? [`groups for ${sayDuration(group.waitMs)}`] : []),
    ...(mention ? [`pings ${mention}`] : []),
    ...(template ? [`written by template ${template}`] : [])
  ]
}
