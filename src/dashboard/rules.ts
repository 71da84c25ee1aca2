// Rules page: lists the rules in their order, with what each has done.
import { html } from 'hono/html'
import { sayDuration } from '../duration.ts'
import { type Owner, type OwnersTable, sayMatch } from '../rules/owners.ts'
import type { Rule } from '../rules/rule.ts'
import { address, type Html } from './page.ts'
import { ago, badge } from './parts.ts'

/** What a rule did. `lastAt` is undefined if it sent nothing that is still kept. */
export interface RuleUse {
  hits: number
  lastAt: number | undefined
}

export interface RulesUse {
  /** By the name of the rule; missing where nobody looked. */
  uses: ReadonlyMap<string, RuleUse>
  /** For how long notifications are kept. */
  keptMs: number
  now: number
}

/** Owners that are listed; a table may have thousands. */
const maxOwners = 200

export function rulesPage(rules: readonly Rule[], { all }: OwnersTable, use: RulesUse): Html {
  return html`<div class="line"><h1>Rules</h1> <a class="button" href="/rules/try">Try an event</a></div>
<p class="quiet">In the order of the config file. Every matching rule sends. Hits are notifications of the last 24 hours.</p>
<ol class="card rows" id="rules" data-live>${rules.map((rule, index) => ruleRow(rule, index + 1, use))}</ol>
${all.length > 0 && ownersCard(all)}`
}

function ruleRow(rule: Rule, number: number, { uses, keptMs, now }: RulesUse): Html {
  const { name, conditions, send, isToOwner } = rule
  const use = uses.get(name)
  return html`<li id="${encodeURIComponent(name)}">
  <div class="line"><span><span class="quiet">${number}.</span> <a class="object" href="${address('/events', { rule: name })}"><b>${name}</b></a> ${rule.isFinal && badge('grey', 'final')}</span> ${use && useBadge(use, keptMs)}</div>
  ${conditions.length === 0 && html`<p class="empty">matches every event</p>`}
  <dl>${conditions.map(({ key, wanted }) => html`<dt>${key}</dt><dd><code>${wanted}</code></dd>`)}</dl>
  <p class="quiet">→ ${send.map((destination, index) => html`${index > 0 && ', '}<a href="/preview/${destination}">${destination}</a>`)}${isToOwner && html`${send.length > 0 && ', '}<a href="#owners">the owner</a>`} · ${habitsOf(rule).join(' · ')}${use?.lastAt !== undefined && html` · last ${ago(use.lastAt, now)}`}</p>
</li>`
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
  return html`<li id="owner-${entry}"><code>${sayMatch(owner) || 'everything'}</code> → ${to}${mention && ` · pings ${mention}`}</li>`
}

function useBadge({ hits, lastAt }: RuleUse, keptMs: number): Html {
  if (hits > 0) return badge('green', hits === 1 ? '1 hit' : `${hits.toLocaleString('en')} hits`)
  return lastAt === undefined ? badge('amber', `none in ${sayDuration(keptMs)}`) : badge('grey', 'none in 24 h')
}

function habitsOf({ notify, remindEveryMs, forMs, group, mention, template }: Rule): string[] {
  const reminds = remindEveryMs === undefined ? 'no reminders' : `reminds every ${sayDuration(remindEveryMs)}`
  return [
    ...(notify === 'every' ? ['every event'] : ['changes only', reminds]),
    ...(forMs > 0 ? [`only what lasts for ${sayDuration(forMs)}`] : []),
    ...(group ? [`groups for ${sayDuration(group.waitMs)}`] : []),
    ...(mention ? [`pings ${mention}`] : []),
    ...(template ? [`written by template ${template}`] : [])
  ]
}
