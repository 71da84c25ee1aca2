// Badge: shows a state as a word in a colour: red fails, amber waits or is not known, green is well, grey is unremarkable.
import { html } from 'hono/html'
import type { Transition } from '../objects.ts'
import type { NotificationState } from '../store/records.ts'
import type { Html } from './page.ts'

export type Colour = 'red' | 'amber' | 'green' | 'grey'

export function badge(colour: Colour, word: string): Html {
  return html`<span class="badge ${colour}">${word}</span>`
}

const transitions: Record<Transition, Colour> = {
  failed: 'red',
  changed: 'red',
  repeated: 'amber',
  recovered: 'green',
  updated: 'green',
  informed: 'grey',
  heartbeat: 'grey'
}

/** What an event did to its object. A warning fails in amber. */
export function transitionBadge(transition: Transition, severity: string): Html {
  const colour = transitions[transition] ?? 'grey'
  return badge(colour === 'red' && severity === 'warn' ? 'amber' : colour, transition)
}

const states: Record<NotificationState, Colour> = { pending: 'amber', sent: 'green', dead: 'red', muted: 'grey' }

export function stateBadge(state: NotificationState): Html {
  return badge(states[state], state)
}
