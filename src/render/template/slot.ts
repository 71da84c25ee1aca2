// Slot: fills one place in a message from a template, in its form and within its limit.
import type { Fault } from '../../errors.ts'
import { toMrkdwn, toPlain, toUrl } from './pieces.ts'
import { compileText } from './text.ts'

export interface Place {
  form: 'mrkdwn' | 'line' | 'plain' | 'url'
  /** In UTF-16 units. */
  max: number
}

/** The variables with which a template is filled in, and its limits. */
export interface Filling {
  variables: object
  /** Share of every limit that is left if the whole is too large. */
  scale: number
  /** Called if a value had to be cut. */
  onCut?: (path: Fault['path'], max: number) => void
}

export type Slot = (filling: Filling) => string

/** A place that could not be filled. */
export class SlotError extends Error {
  readonly path: Fault['path']
  readonly offset: number

  constructor(message: string, path: Fault['path'], offset = 0) {
    super(message)
    this.path = path
    this.offset = offset
  }
}

/** Compiles the template of one place. The slot is empty if there is nothing to show. */
export function compileSlot(text: string, { form, max }: Place, path: Fault['path'], faults: Fault[]): Slot {
  const template = compileText(text)
  if ('error' in template) {
    faults.push({ path, message: template.error, offset: template.offset })
    return () => ''
  }
  return ({ variables, scale, onCut }) => {
    const pieces = piecesOf(() => template.render(variables), path)
    if (form === 'url') return webAddress(toUrl(pieces), max)
    const write = (room: number) =>
      form === 'plain' ? toPlain(pieces, room) : toMrkdwn(pieces, { max: room, isOneLine: form === 'line' })
    const room = Math.max(minRoom, Math.floor(max * scale))
    const filled = write(Math.min(max, room)) ?? write(max)
    if (filled === undefined) throw new SlotError(`is longer than ${max} characters, even with its values cut`, path)
    if (onCut !== undefined && scale === 1 && filled !== write(Number.POSITIVE_INFINITY)) onCut(path, max)
    return filled
  }
}

/** The least a slot keeps when the whole template is over its limit. */
const minRoom = 150

function piecesOf<T>(render: () => T, path: Fault['path']): T {
  try {
    return render()
  } catch (error) {
    const { message, token } = error as Error & { token?: { begin?: number } }
    throw new SlotError(message.replace(/, line:\d+, col:\d+$/, ''), path, token?.begin)
  }
}

/** Returns `url`, or an empty text if it is not one that Slack opens. */
function webAddress(url: string, max: number): string {
  if (!URL.canParse(url)) return ''
  const { protocol, href } = new URL(url)
  return (protocol === 'https:' || protocol === 'http:') && href.length <= max ? href : ''
}
