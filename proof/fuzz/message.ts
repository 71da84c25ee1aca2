// Message target: composes one event, its repetition and its end for every receiver.
import type { WireEvent } from '../../src/events/flux.ts'
import { composeOne } from '../../src/render/compose/message.ts'
import type { Payload } from '../../src/render/slack/payload.ts'
import { decidedBy, viewsIn } from './decided.ts'
import { anyEvent } from './hostile.ts'
import { slackFaults, strangerFaults } from './judge.ts'
import type { Target } from './target.ts'

const config = `
destinations: { local: { preview: true } }
links:
  - commit: "https://git.example/{{ revision.sha }}"
    compare: "https://git.example/{{ previous.sha }}...{{ revision.text }}"
    dashboard: "https://flux.example/{{ object.kind | downcase }}/{{ object.namespace }}/{{ object.name }}"
rules: [{ name: everything, match: { severity: info }, notify: every, send: local }]
`

export const message: Target<WireEvent, Payload[]> = {
  name: 'message',
  share: 60_000,
  input: anyEvent,
  run(wire) {
    const over = {
      ...wire,
      severity: 'info',
      reason: 'ReconciliationSucceeded',
      metadata: { ...wire.metadata, revision: 'main@sha1:0' }
    } as const
    return viewsIn(decidedBy(config, [wire, { ...wire, message: `${wire.message} again` }, over])).map((view) =>
      composeOne(view)
    )
  },
  faults: (payloads) => [
    ...(payloads.length === 0 ? ['nothing is said'] : []),
    ...payloads.flatMap((payload) => [...slackFaults(payload), ...strangerFaults(payload)])
  ]
}
