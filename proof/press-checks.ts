// Press checks: hold what became of each press against what the database has of it, without any of the relay's code.
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

/** The clock of the database and that of the presses. */
const apartMs = 100

/** What became of each of `presses`. */
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

/** Each took effect once, or whoever pressed knows that it did not; none by who may not, and nothing that nobody asked for. */
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

/** A card that a killed relay had no time to put right still shows the button, and at some time while it was pressed that was so. */
function wasSo({ pressed, card, button }: Press, entries: readonly CardRow[], acts: readonly ActRow[]): boolean {
  const asked = button.replace('flux-relay:', '')
  const [began = 0, ended = 0] = [pressed.at, pressed.ackedAt ?? pressed.at].map((at) => performance.timeOrigin + at)
  // Of a card that is lost only the acts are left.
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
