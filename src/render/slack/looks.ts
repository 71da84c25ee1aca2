// Looks: give a state an emoji and a word, because colour alone is lost on some readers and on every lock screen.
import type { Severity } from '../../events/severity.ts'
import type { Ending, Transition } from '../../objects.ts'

export const colours = { red: '#a30200', amber: '#daa038', green: '#2eb886' } as const

export interface Face {
  emoji: string
  /** In the message, mrkdwn. */
  title: string
  /** On the lock screen. */
  word: string
  /** The colour of the bar beside the details; without one the details are in the message itself. */
  colour?: keyof typeof colours
}

const faces: Record<Transition, Face> = {
  failed: { emoji: ':red_circle:', title: '*Failed*', word: 'FAILED', colour: 'red' },
  changed: { emoji: ':red_circle:', title: '*New error*', word: 'NEW ERROR', colour: 'red' },
  repeated: { emoji: ':hourglass_flowing_sand:', title: '*Still failing*', word: 'STILL FAILING', colour: 'amber' },
  recovered: { emoji: ':white_check_mark:', title: '~Failed~ → *Ready*', word: 'RECOVERED', colour: 'green' },
  updated: { emoji: ':large_green_circle:', title: '*Updated*', word: 'UPDATED' },
  informed: { emoji: ':information_source:', title: '*Info*', word: 'INFO' },
  heartbeat: { emoji: ':green_heart:', title: '*Healthy*', word: 'HEALTHY' }
}
const endings: Record<Exclude<Ending, 'ready'>, Face> = {
  unblocked: { emoji: ':white_check_mark:', title: '*No longer waits*', word: 'NO LONGER WAITS', colour: 'green' },
  corrected: { emoji: ':white_check_mark:', title: '*Drift corrected*', word: 'DRIFT CORRECTED', colour: 'green' },
  cleared: { emoji: ':white_check_mark:', title: '*Well again*', word: 'WELL AGAIN', colour: 'green' },
  uninstalled: { emoji: ':wastebasket:', title: '*Gone: uninstalled*', word: 'GONE, UNINSTALLED', colour: 'green' },
  deleted: { emoji: ':wastebasket:', title: '*Gone: deleted*', word: 'GONE, DELETED', colour: 'green' }
}
const warning: Face = { emoji: ':warning:', title: '*Warning*', word: 'WARNING', colour: 'amber' }

/** The parts of a view that decide its face. */
interface Said {
  says: Transition
  severity: Severity
  ending?: Exclude<Ending, 'ready'>
}

/** The face of what is said of an object. `isFailing`: the event is about a failure that is known. */
export function faceOf({ says, severity, ending }: Said, isFailing: boolean): Face {
  if (says === 'recovered' && ending !== undefined) return endings[ending]
  // A failure that came late, or a harmless warning once more: only sent where every event is.
  if (says === 'repeated' && !isFailing) return severity === 'warn' ? warning : faces.informed
  if (severity !== 'warn') return faces[says]
  if (says === 'failed' || says === 'informed') return warning
  return { ...faces[says], ...(says === 'changed' && { ...warning, title: '*New warning*', word: 'NEW WARNING' }) }
}

/** `:red_circle: Failed`, for a template. Undefined for what is not a state. */
export function stateInWords(
  says: string,
  { severity, ending }: { severity: string; ending?: string | undefined },
  isFailing: boolean
): string | undefined {
  if (!Object.hasOwn(faces, says)) return undefined
  const said = { says, severity, ...(ending !== undefined && { ending }) } as Said
  const { emoji, word } = faceOf(said, isFailing)
  return `${emoji} ${word.slice(0, 1)}${word.slice(1).toLowerCase()}`
}
