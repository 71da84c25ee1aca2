// Overview: decides whether all is well, and lists everything known to be wrong, the worst first. What is unknown is not green.
import { html } from 'hono/html'
import type { Refusal } from '../config/watch.ts'
import { sayDuration } from '../duration.ts'
import type { ErrorCode } from '../errors.ts'
import { asSentence } from '../notices/notice.ts'
import type { Standing, Standings } from '../operator/standing.ts'
import type { Refusals } from '../operator/traffic.ts'
import type { SocketStanding } from '../slack-socket/standing.ts'
import type { Listed } from '../store/records.ts'
import { type Board, sayWarnings, warningsOf } from './board.ts'
import { blockedOf, type DashboardLane, lateOf, sayDead } from './lanes.ts'
import type { Html } from './page.ts'
import { atClock, atMost, historyOf, lasting, objectName, shown } from './parts.ts'
import { adviceOn, refusalsOf, sayRefusal, sayRefusedElsewhere } from './sources.ts'

export interface Evidence {
  now: number
  board: Board
  lanes: readonly DashboardLane[]
  dead: Listed<unknown>
  /** The config file as it is now, if it was refused. */
  refusal: Refusal | undefined
  sources: Standings
  /** This process's Socket Mode connections, which the buttons of Slack apps need. */
  sockets: readonly SocketStanding[]
}

export interface Overview {
  colour: 'red' | 'amber' | 'green' | 'grey'
  title: string
  /** The title with links to what it is about. */
  heading: Html | string
  /** The title of the browser tab. */
  tab: string
  /** The remaining findings, in sentences. */
  aside: readonly (Html | string)[]
}

interface Finding {
  colour: 'red' | 'amber' | 'grey'
  /** A sentence without its full stop. */
  says: string
  /** The address of what the finding is about. */
  href?: string
  /** The same sentence in parts, each with its own link. */
  heading?: Html
  tab?: string
  /** True if it may be the title of the page; otherwise it is said below "Nothing is known to fail". */
  isTitle: boolean
  /** What the operator can do about it. */
  advice?: Html | string
}

/** Sources listed by name; more are only counted. */
const maxNames = 2

export function overviewOf(evidence: Evidence): Overview {
  const findings = findingsOf(evidence)
  if (findings.length === 0) return { colour: 'green', ...plainTitle('All is well'), aside: [groundOf(evidence)] }
  const colour = (['red', 'amber', 'grey'] as const).find((colour) => findings.some((one) => one.colour === colour))
  const title = findings.find(({ isTitle }) => isTitle)
  const rest = findings.filter((finding) => finding !== title).map((finding) => html`${headingOf(finding)}.`)
  return {
    colour: colour ?? 'grey',
    ...(title
      ? { title: title.says, heading: headingOf(title), tab: title.tab ?? title.says }
      : plainTitle('Nothing is known to fail')),
    aside: [...(title?.advice ? [title.advice] : []), ...rest]
  }
}

function plainTitle(title: string): Pick<Overview, 'title' | 'heading' | 'tab'> {
  return { title, heading: title, tab: title }
}

function headingOf({ says, href, heading }: Finding): Html | string {
  return heading ?? (href === undefined ? says : html`<a href="${href}">${says}</a>`)
}

function findingsOf({ now, board, lanes, dead, refusal, sources, sockets }: Evidence): Finding[] {
  const { counts } = board
  return [
    ...failingObjects(board, now),
    ...lanesInTrouble(lanes, now),
    ...refusedRequests(sources.sources, ({ code }) => isOurs(code)),
    // A wrong key explains why a source is quiet, so it comes first. If the source does post, it was a stray request, which
    // matters less than a quiet source.
    ...refusedRequests(sources.sources, ({ code }, { state }) => !isOurs(code) && state !== 'active'),
    ...quietSources(sources.sources, now),
    ...refusedRequests(sources.sources, ({ code }, { state }) => !isOurs(code) && state === 'active'),
    ...refusedElsewhere(sources.sources),
    ...quietClusters(sources.sources, now),
    ...(counts.stale > 0
      ? [
          plain(
            `${sayNumber(counts.stale)} failed at the last event; nothing is known about ${counts.stale === 1 ? 'it' : 'them'} since`,
            placeOf('stale', board)
          )
        ]
      : []),
    ...lostButtons(sockets, now),
    ...(dead.items.length > 0 ? [plain(sayDead(dead), '/deliveries?state=dead')] : []),
    ...(refusal ? [plain('The config file was refused; the previous version stays in effect', '#refused')] : []),
    ...(board.isCut || (dead.items.length === 0 && dead.next !== null)
      ? [plain('There is too much to check all of it')]
      : []),
    ...unknownSources(sources, now)
  ]
}

function plain(says: string, href?: string): Finding {
  return { colour: 'amber', says, isTitle: false, ...(href && { href }) }
}

function sayNumber(count: number): string {
  return count.toLocaleString('en')
}

/** `20 failing · 3 waiting · 5 muted` */
function failingObjects(board: Board, now: number): Finding[] {
  const { counts, isCut } = board
  const number = (count: number) => `${sayNumber(count)}${isCut ? '+' : ''}`
  const waiting = sayWarnings(counts.waiting, board, number(counts.waiting))
  const parts = [
    { count: counts.failing, says: `${number(counts.failing)} failing`, href: placeOf('failing', board) },
    { count: counts.waiting, says: waiting, href: placeOf('waiting', board) },
    { count: counts.muted, says: `${number(counts.muted)} muted`, href: placeOf('muted', board) }
  ].filter(({ count }) => count > 0)
  if (parts.length === 0) return []
  const colour = counts.failing > 0 ? 'red' : counts.waiting > 0 ? 'amber' : 'grey'
  const isQuiet = counts.failing + counts.waiting === 0
  const says = parts.map(({ says }) => says).join(' · ')
  const heading = html`${parts.map(({ says, href }, index) => html`${index > 0 && '\u00a0· '}<a href="${href}">${says}</a>`)}`
  return [
    {
      ...{ colour, says, heading, isTitle: true },
      ...(counts.failing > 0 && { tab: `(${number(counts.failing)}) failing` }),
      ...(isQuiet ? { advice: 'Nothing else is known to fail.' } : adviceOnAge(board, now))
    }
  ]
}

/**
 * The address of the card that shows them. Warnings that all depend on errors are in the errors' card; a search may hide the
 * rest.
 */
function placeOf(card: 'failing' | 'waiting' | 'muted' | 'stale', board: Board): string {
  if (board[card].length > 0) return `#${card}`
  return card === 'waiting' && board.failing.some((cause) => warningsOf(cause).length > 0) ? '#failing' : '/'
}

function adviceOnAge({ oldest, newest }: Board, now: number): Pick<Finding, 'advice'> {
  if (oldest === undefined || newest === undefined || oldest === newest) return {}
  const name = ({ object }: typeof oldest) => html`<a href="${historyOf(object)}">${objectName(object)}</a>`
  return {
    advice: html`The oldest is ${name(oldest)}, for ${lasting(oldest.failure.since, now)}; the newest ${name(newest)}, for ${lasting(newest.failure.since, now)}.`
  }
}

function lanesInTrouble(lanes: readonly DashboardLane[], now: number): Finding[] {
  const blocked = blockedOf(lanes).length
  const refuses = `${blocked} ${blocked === 1 ? 'destination rejects' : 'destinations reject'} all messages`
  return [
    ...(blocked > 0 ? [{ colour: 'red', says: refuses, href: '#lanes', isTitle: true } as const] : []),
    ...lateOf(lanes, now).map(({ destinations, waitingMs }): Finding => {
      const name = destinations[0]?.name ?? 'a destination that is gone'
      const says = `Messages to ${name} are late: the next one has been tried for ${sayDuration(floorToMinute(waitingMs))}`
      return {
        colour: 'amber',
        says,
        isTitle: true,
        advice: 'It does not accept them at the moment; the relay keeps trying.'
      }
    })
  ]
}

/** True if the relay itself, not the sender, is at fault. */
function isOurs(code: ErrorCode): boolean {
  return code === 'CANNOT_STORE' || code === 'INTERNAL'
}

function refusedRequests(
  sources: readonly Standing[],
  isWanted: (refusal: Refusals, source: Standing) => boolean
): Finding[] {
  return sources
    .flatMap((source) => refusalsOf(source).map((refusal) => ({ source, refusal })))
    .filter(({ source, refusal }) => isWanted(refusal, source))
    .toSorted((a, b) => b.refusal.requests - a.refusal.requests)
    .map(({ source, refusal }) => ({
      colour: 'amber',
      says: sayRefusal(refusal, source, `for source ${source.name} `),
      isTitle: true,
      advice: adviceOn(refusal.code, source)
    }))
}

function refusedElsewhere(sources: readonly Standing[]): Finding[] {
  return sources
    .filter(({ refusedElsewhereAt }) => refusedElsewhereAt !== undefined)
    .map(({ name }) => ({
      colour: 'amber',
      says: sayRefusedElsewhere(`for source ${name} `),
      isTitle: true,
      advice: 'In the last hour. The log says why.'
    }))
}

function quietSources(sources: readonly Standing[], now: number): Finding[] {
  const quiet = sources.filter(({ state }) => state === 'quiet')
  if (quiet.length === 0) return []
  const names = quiet.map(({ name, lastEventAt }) =>
    lastEventAt === undefined ? `${name}, ever` : `${name} since ${atClock(lastEventAt, now)}`
  )
  const says =
    quiet.length > maxNames
      ? `${quiet.length} of ${sources.length} sources are quiet`
      : `Quiet: nothing from ${names.join(', nor from ')}`
  const unset = quiet.every(({ expectMs }) => expectMs === undefined)
  return [{ colour: 'amber', says, isTitle: true, advice: whyQuiet(unset) }]
}

function whyQuiet(isUnset: boolean): Html {
  const seldom = html` If it posts this rarely, set <code>expectEvery</code>.`
  return html`Flux is down or suspended there, or its posts do not arrive. In that cluster: <code>kubectl -n flux-system get events --field-selector involvedObject.kind=Alert</code>.${isUnset && seldom}`
}

function quietClusters(sources: readonly Standing[], now: number): Finding[] {
  const quiet = sources.flatMap(({ name, quietClusters }) =>
    quietClusters.map((cluster) => ({ source: name, ...cluster }))
  )
  const [first] = quiet
  if (first === undefined) return []
  const says =
    quiet.length > 1
      ? `${quiet.length} clusters are quiet, though their sources are not`
      : `Quiet: nothing from cluster ${shown(first.name, 100)} since ${atClock(first.lastEventAt, now)}, though its source ${first.source} posts`
  return [{ colour: 'amber', says, isTitle: true, advice: whyQuiet(false) }]
}

function lostButtons(sockets: readonly SocketStanding[], now: number): Finding[] {
  return sockets
    .filter(({ state }) => state === 'lost')
    .map(({ app, forMs, why = '', advice = '' }) => ({
      colour: 'amber',
      says: `No clicks on the buttons of the Slack app ${app} come since ${atClock(now - forMs, now)}`,
      isTitle: true,
      advice: html`${shown(asSentence(why), 300)} ${shown(asSentence(advice), 300)}`
    }))
}

/** Sources that are neither known to be well nor known to be in trouble. */
function unknownSources({ sources, listeningSince }: Standings, now: number): Finding[] {
  const never = sources.filter(({ state }) => state === 'never')
  const unknown = sources.filter(({ state }) => state === 'unknown')
  const grey = (says: string, isTitle: boolean): Finding => ({ colour: 'grey', says, isTitle })
  if (never.length === sources.length) {
    const advice =
      sources.length === 1 ? 'No event has ever come.' : `None of the ${sources.length} sources has ever posted.`
    return [{ ...grey('Waiting for the first event', true), advice }]
  }
  const findings: Finding[] = []
  if (unknown.length > 0) {
    const since = atClock(listeningSince, now)
    findings.push(
      grey(`Not known yet: the relay was away, and nothing has come from ${someOf(unknown)} since ${since}`, true)
    )
  }
  if (never.length > 0) findings.push(grey(`Nothing has ever come from ${someOf(never)}`, false))
  return findings
}

/** `prod-eu`, `prod-eu and prod-us`, `3 sources` */
function someOf(sources: readonly Standing[]): string {
  return sources.length > maxNames ? `${sources.length} sources` : sources.map(({ name }) => name).join(' and ')
}

/** The evidence for green. */
function groundOf({ sources: { sources }, now }: Evidence): string {
  const oldest = Math.min(...sources.map(({ lastEventAt }) => lastEventAt ?? 0))
  const count = `${sources.length} of ${sources.length} ${sources.length === 1 ? 'source' : 'sources'}`
  return `Nothing fails, and ${count} posted within the last ${atMost(now - oldest)}.`
}

function floorToMinute(ms: number): number {
  return Math.floor(ms / 60_000) * 60_000
}
