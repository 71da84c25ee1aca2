// Press checks: compare what became of each press with the database, without any of the relay's code.
import { type ActRow, type CardRow, type Evidence, incidentOf } from './evidence.ts'
import type { Press } from './people.ts'

/** What became of a press. */
export type Fate =
  | 'took effect once'
  | 'was so already'
  | 'was told why'
  | 'was told that nothing changed'
  | 'saw an error of Slack'
  | 'took effect more than once'
  | 'took effect by who may not'
  | 'had no effect, told nobody'

const broken: ReadonlySet<Fate> = new Set([
  'took effect more than once',
  'took effect by who may not',
  'had no effect, told nobody'
])

type Kept = Pick<Evidence, 'acts' | 'silences' | 'cardEntries'>

/** Allowed difference between the database's clock and that of the presses. */
const apartMs = 100

/** Groups `presses` by what became of them. */
export function fatesOf(presses: readonly Press[], { acts, cardEntries }: Kept): Map<Fate, Press[]> {
  const byClick = Map.groupBy(acts, ({ click }) => click)
  const cards = Map.groupBy(cardEntries, ({ ts }) => ts)
  return Map.groupBy(presses, (press): Fate => {
    const { pressed, card, may, button } = press
    const effects = byClick.get(pressed.key)?.length ?? 0
    if (effects > 1) return 'took effect more than once'
    if (effects === 1) return may && button !== 'flux-relay:why' ? 'took effect once' : 'took effect by who may not'
    if (pressed.acks === 0) return 'saw an error of Slack'
    if (/Nothing has changed|Look at the card|over already|no dead letters/.test(pressed.said.join()))
      return 'was told that nothing changed'
    if (button === 'flux-relay:why' && pressed.said.length > 0) return 'was told why'
    return may && wasSo(press, cards.get(card.ts) ?? [], acts) ? 'was so already' : 'had no effect, told nobody'
  })
}

/**
 * Each press took effect once, or the person learnt that it did not; none by somebody who may not, and nothing happened that
 * nobody asked for.
 */
export function pressesKept(presses: readonly Press[], kept: Kept): string[] {
  const { acts, silences } = kept
  const keys = new Set(presses.map(({ pressed }) => pressed.key))
  const made = acts.filter(({ did }) => did === 'silence').length
  return [
    ...[...fatesOf(presses, kept)].flatMap(([fate, of]) =>
      broken.has(fate) ? of.map(({ button, pressed }) => `${button} ${fate}: ${pressed.key}`) : []
    ),
    ...acts
      .filter(({ via, click }) => via === 'slack' && !keys.has(click ?? ''))
      .map(({ did, click }) => `nobody asked for this act: ${did} ${click}`),
    ...(made === silences.length
      ? []
      : [`${made} times something was silenced, and there are ${silences.length} silences`])
  ]
}

/**
 * True if the incident was at some time during the press as the button wanted it: a killed relay had no time to update the
 * card, so it still showed the button.
 */
function wasSo({ pressed, card, button }: Press, entries: readonly CardRow[], acts: readonly ActRow[]): boolean {
  const asked = button.replace('flux-relay:', '')
  const [began = 0, ended = 0] = [pressed.at, pressed.ackedAt ?? pressed.at].map((at) => performance.timeOrigin + at)
  // For a card that was lost, only the acts are left.
  const clicked = acts
    .filter(({ click }) => click?.split(' ')[1] === card.ts)
    .flatMap(({ about }) => about.incidents ?? [])
  return [...entries, ...clicked].map(incidentOf).some((incident) => {
    const about = acts.filter((act) => act.about.incidents?.some((each) => incidentOf(each) === incident))
    const before = about.findLast(({ at }) => at <= began - apartMs)
    const during = about.filter(({ at }) => at > began - apartMs && at <= ended + apartMs)
    return [before?.did ?? 'unacknowledge', ...during.map(({ did }) => did)].includes(asked)
  })
}
