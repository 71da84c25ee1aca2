// Card mutes: knows which incidents on cards a mute or a silence withholds, and for which of them that has changed.
import { readStored } from '../events/flux.ts'
import { type Mute, mutingOf } from '../mutes/mutes.ts'
import type { Quiet } from '../render/compose/card.ts'
import type { CardIncident, Records } from '../store/records.ts'

/** Mutes of the config file and silences made by hand, in effect now or later. */
export interface Withholding {
  muted: readonly Mute[]
  silenced: readonly Mute[]
}

export interface CardMutes {
  /** Keys of objects on cards whose incidents came to be withheld, or ceased to be, since the last look; at first, all withheld ones. */
  changed(now: number): Promise<string[]>
  /** The mute or silence that withholds each incident of a card, by the incident's event. */
  of(card: string, now: number): Promise<ReadonlyMap<string, Quiet>>
}

/** How often, while something is withheld, to look for cards that were posted late, after waiting in their lanes. */
const lookMs = 60_000

const nobody: ReadonlyMap<string, Quiet> = new Map()

export function createCardMutes(records: Pick<Records, 'incidentsOnCards'>, withholding: () => Withholding): CardMutes {
  let known: ReadonlyMap<string, Mute> = new Map()
  /** Incidents that were withheld at the last look. */
  let withheld: ReadonlySet<string> = new Set()
  let lookAt = 0

  /** The mutes and silences in effect, keyed by what cards say of them. */
  function inEffect(now: number): ReadonlyMap<string, Mute> {
    const { muted, silenced } = withholding()
    const of = (is: Quiet['is'], mutes: readonly Mute[]) =>
      mutes.flatMap((mute): [string, Mute][] => {
        const until = mute.endOf(now)
        return until === undefined ? [] : [[`${is} ${until} ${mute.name}`, mute]]
      })
    return new Map([...of('muted', muted), ...of('silenced', silenced)])
  }

  return {
    async changed(now) {
      const present = inEffect(now)
      const before = known
      const news = [...present].filter(([key]) => !before.has(key)).map(([, mute]) => mute)
      const over = [...before].filter(([key]) => !present.has(key)).map(([, mute]) => mute)
      const changed = [...news, ...over]
      const isTime = present.size > 0 && (now >= lookAt || lookAt - now > lookMs)
      if (changed.length === 0 && !isTime) return []
      const incidents = await records.incidentsOnCards()
      const quiet = incidents.filter((incident) => isMatch([...present.values()], incident))
      const turned = changed.length === 0 ? [] : incidents.filter((incident) => isMatch(changed, incident))
      const begun = quiet.filter((incident) => !withheld.has(incidentOf(incident)))
      known = present
      withheld = new Set(quiet.map(incidentOf))
      lookAt = now + lookMs
      return [...new Set([...turned, ...begun].map(({ key }) => key))]
    },

    async of(card, now) {
      if (inEffect(now).size === 0) return nobody
      const { muted, silenced } = withholding()
      const found = new Map<string, Quiet>()
      for (const incident of await records.incidentsOnCards(card)) {
        const subject = subjectOf(incident)
        if (subject === undefined) continue
        const mute = mutingOf(muted, subject, now)
        const silence = mutingOf(silenced, subject, now)
        if (silence !== undefined && silence.until >= (mute?.until ?? 0))
          found.set(incident.event, { is: 'silenced', ...silence })
        else if (mute !== undefined) found.set(incident.event, { is: 'muted', ...mute })
      }
      return found
    }
  }
}

function incidentOf({ key, since }: CardIncident): string {
  return `${key} ${since}`
}

function isMatch(mutes: readonly Mute[], incident: CardIncident): boolean {
  const subject = subjectOf(incident)
  return subject !== undefined && mutes.some((mute) => mute.matches(subject))
}

function subjectOf({ transition, ...stored }: CardIncident) {
  const event = readStored(stored)
  return event && { event, transition }
}
