// Looks: give a state an emoji and a word, because colour alone is lost on some readers and on every lock screen.
import type { Severity } from '../../events/severity.ts'
import type { Ending } from '../../objects/memory.ts'
import type { Transition } from '../../objects.ts'

export const colours = { red: '#a30200', amber: '#daa038', green: '#2eb886' } as const

export interface Face {
  emoji: string
  /** Word that a template's `state` shows. */
  word: string
  /** The colour of the bar beside the details; without a colour, the details are in the message itself. */
  colour?: keyof typeof colours
}

const faces: Record<Transition, Face> = {
  failed: { emoji: ':red_circle:', word: 'Failed', colour: 'red' },
  changed: { emoji: ':large_orange_circle:', word: 'New error', colour: 'red' },
  repeated: { emoji: ':hourglass_flowing_sand:', word: 'Still failing', colour: 'amber' },
  recovered: { emoji: ':white_check_mark:', word: 'Recovered', colour: 'green' },
  updated: { emoji: ':large_green_circle:', word: 'Updated' },
  informed: { emoji: ':information_source:', word: 'Info' },
  heartbeat: { emoji: ':green_heart:', word: 'Healthy' }
}
const endings: Record<Exclude<Ending, 'ready'>, Face> = {
  unblocked: { emoji: ':white_check_mark:', word: 'No longer waits', colour: 'green' },
  corrected: { emoji: ':white_check_mark:', word: 'Drift corrected', colour: 'green' },
  cleared: { emoji: ':white_check_mark:', word: 'Well again', colour: 'green' },
  uninstalled: { emoji: ':wastebasket:', word: 'Gone, uninstalled', colour: 'green' },
  deleted: { emoji: ':wastebasket:', word: 'Gone, deleted', colour: 'green' }
}
const warning: Face = { emoji: ':warning:', word: 'Warning', colour: 'amber' }

/** The parts of a view that decide its face. */
interface Said {
  says: Transition
  severity: Severity
  ending?: Exclude<Ending, 'ready'>
  wasWarning?: true
}

/** Returns the face of what is said about an object. `isFailing`: the event is about a known failure. */
export function faceOf({ says, severity, ending, wasWarning }: Said, isFailing: boolean): Face {
  if (says === 'changed' && wasWarning) return faces.failed
  if (says === 'recovered' && ending !== undefined) return endings[ending]
  // A failure that came late, or a harmless warning once more: these are sent only where every event is.
  if (says === 'repeated' && !isFailing) return severity === 'warn' ? warning : faces.informed
  if (severity !== 'warn') return faces[says]
  if (says === 'failed' || says === 'informed') return warning
  return { ...faces[says], ...(says === 'changed' && { ...warning, word: 'New warning' }) }
}

/** Returns the face for a template; undefined if `says` is not a state. */
export function faceFor(
  says: string,
  { severity, ending, wasWarning }: { severity: string; ending?: string | undefined; wasWarning?: true | undefined },
  isFailing: boolean
): Face | undefined {
  if (!Object.hasOwn(faces, says)) return undefined
  return faceOf({ says, severity, ...(ending && { ending }), ...(wasWarning && { wasWarning }) } as Said, isFailing)
}
