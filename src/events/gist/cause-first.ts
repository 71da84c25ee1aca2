// Cause first: puts the links of a chain of errors in the order in which its cause is read on a lock screen.
import { attempt, isVague, isWrong, tried } from './error-words.ts'

/** How much of a line a lock screen shows. */
const room = 90

/** `spec.template`, `line 12` */
const location = /^(?:line \d+|[\w.[\]'"$/:-]{1,120})$/
/** `DENIED`, `Too long`, `no matching signatures`: the next link explains it. */
const label = /^(?:[A-Z_]{3,40}|[A-Za-z]+Exception)$/

/** In order where the cause is near enough; with less between; and with the cause first where its subject is too long. */
export function causeFirst(links: readonly string[]): string {
  const whole = links.join(': ')
  if (whole.length <= room || links.length < 2) return whole
  const chain = withDenial(links.map(withoutFolders))
  const [first = ''] = chain
  if (
    chain.length === 2 &&
    isWrong(first) &&
    !tried.test(first) &&
    (first.length <= 25 || /\bnot ready$/.test(first))
  ) {
    return whole
  }
  if (!chain.some((link) => isWrong(link) || isVague(link))) return whole
  const { start, core, end } = causeIn(chain)
  const detail = (chain[core + 1] ?? '').length <= 20 ? Math.min(core + 1, end) : core
  const cause = chain.slice(start).join(': ')
  if (start === 0) return cause
  if (first.length + 2 + lengthOf(chain, start, end) > room) {
    return `${cause} (${chain.slice(0, start).join(': ')})`
  }
  const between: string[] = []
  const dropped: string[] = []
  for (const link of chain.slice(1, start).reverse()) {
    const fits =
      lengthOf([first, link, ...between], 0, Number.POSITIVE_INFINITY) + 2 + lengthOf(chain, start, detail) <= room
    if (fits && dropped.length === 0) between.unshift(link)
    else dropped.unshift(link)
  }
  const text = [first, ...between, cause].join(': ')
  const rest = ` (${dropped.join(': ')})`
  return dropped.length > 0 && text.length + rest.length <= 160 ? text + rest : text
}

/** That it was denied goes with what was: `Deployment web: denied by Kyverno`. */
function withDenial([first = '', second = '', ...rest]: readonly string[]): string[] {
  const both = `${first}: ${second}`
  return second.startsWith('denied by ') && both.length <= 50 && rest.length > 0
    ? [both, ...rest]
    : [first, second, ...rest]
}

/** Of a long path the file. */
function withoutFolders(link: string): string {
  return link.replace(/^[\w./-]{12,500}\/(?=[\w.-]{1,100}\.\w{1,10}(?::\d{1,6})?$)/, '…/')
}

const verdict = /^(?:denied by|webhook) |\b(?:forbidden|invalid|denied|rejected|refused|denied (?:the )?request)$/i

/** From which link of `chain` up to which the cause stands, and up to which there are details that are short. */
function causeIn(chain: readonly string[]): { start: number; core: number; end: number } {
  const last = chain.length - 1
  const wrong = chain.findLastIndex((link, at) => at > 0 && (isWrong(link) || isVague(link)))
  let end = wrong < 0 ? last : wrong
  // Who denied it is not why, and that it is denied neither.
  while (end < last && verdict.test(chain[end] ?? '')) end++
  const core = end
  let start = end
  while (end < last && (chain[end + 1] ?? '').length <= 40 && lengthOf(chain, start, end + 1) <= room) end++
  const [first = ''] = chain
  const beside = room - first.length - 2
  const most = lengthOf(chain, start, end) <= beside ? beside : room
  while (start > 1 && belongs(chain, start, end, most)) start--
  return { start, core, end }
}

/** How much has to be read of the links from `start` up to `end`: of a long one its first words. */
function lengthOf(chain: readonly string[], start: number, end: number): number {
  const links = chain.slice(start, end + 1)
  return links.reduce((sum, link) => sum + 2 + neededOf(link), -2)
}

/** Of a sentence that is longer than all the room its beginning has to do. */
function neededOf(link: string): number {
  const end = link.search(/[.,;] /)
  const sentence = end < 0 ? link.length : end
  return sentence > room ? 60 : sentence
}

/** Whether the link before `start` is needed to understand what begins there. */
function belongs(chain: readonly string[], start: number, end: number, most: number): boolean {
  const before = chain[start - 1] ?? ''
  const said = chain
    .slice(start, end + 1)
    .filter((link) => !isVague(link))
    .join(' ')
    .replace(/"[^"]*"/g, '')
    .trim()
  if (said.length < 14 || !said.includes(' ')) return true
  if (lengthOf(chain, start - 1, end) > most) return false
  return (
    location.test(before) ||
    label.test(before) ||
    /^denied by /.test(before) ||
    (before.length <= (attempt.test(before) ? 30 : 60) && isWrong(before))
  )
}
