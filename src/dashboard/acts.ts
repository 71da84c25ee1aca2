// Audit page: lists what operators did, newest first.
import { html } from 'hono/html'
import { actWays } from '../actor.ts'
import { objectOf } from '../objects/name.ts'
import { actNames } from '../store/kept.ts'
import type { ActRecord, Listed } from '../store/records.ts'
import { sayAct } from './act-words.ts'
import { address, type Html } from './page.ts'
import { type Answers, ago, exactly, filterForm, nothingMore, type Question, shown } from './parts.ts'

export interface Acts {
  now: number
  answers: Answers
  acts: Listed<ActRecord>
}

const any = ['', 'any'] as const

const questions: Question[] = [
  { name: 'name', label: 'Who' },
  { name: 'did', label: 'What', options: [any, ...actNames] },
  { name: 'via', label: 'Through', options: [any, ...actWays] },
  {
    name: 'since',
    label: 'Since',
    options: [any, ['1h', '1 hour ago'], ['24h', '1 day ago'], ['7d', '7 days ago'], ['30d', '30 days ago']]
  }
]

export function actsPage({ now, answers, acts }: Acts): Html {
  const { cursor, ...asked } = answers
  const older = acts.next && address('/acts', { ...asked, cursor: acts.next })
  const isAsked = Object.values(asked).some(Boolean)
  return html`<h1>Audit log</h1>
<p class="quiet">What people did here, by the API, with the command line and in Slack. Names are what they signed in with.</p>
${filterForm('/acts', questions, asked)}
<div id="acts"${!cursor && html` data-live`}>
  ${acts.items.length === 0 && html`<p class="empty">${cursor ? nothingMore(address('/acts', asked)) : isAsked ? html`Nothing matches. <a href="/acts">Clear</a>` : 'Nobody has done anything yet.'}</p>`}
  <ol class="card rows">${acts.items.map((act) => actRow(act, now))}</ol>
  ${older && html`<p><a class="button" href="${older}" rel="next">Older</a></p>`}
</div>`
}

function actRow({ at, name, via, did, about }: ActRecord, now: number): Html {
  const incidents = about.incidents?.map(({ object }) => ({ object: objectOf(object) }))
  return html`<li><div class="line"><span><b>${shown(name, 100)}</b> ${shown(sayAct(did, { ...about, incidents }), 600)}</span> <span class="quiet">${ago(at, now)}</span></div>
  <p class="quiet">${exactly(at)}, ${ways[via]}</p></li>`
}

const ways: Record<ActRecord['via'], string> = {
  page: 'on the dashboard',
  api: 'by the API',
  cli: 'with the command line',
  slack: 'in Slack'
}
