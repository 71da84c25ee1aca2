// Digest target: empties a lane full of hostile events; every message keeps all limits, and no event is left out.
import fc from 'fast-check'
import type { WireEvent } from '../../src/events/flux.ts'
import { composeDigest } from '../../src/render/compose/digest.ts'
import type { Waiting } from '../../src/render/compose/digest-groups.ts'
import { bodyFor, type Dialect, digestRoom } from '../../src/render/receivers/dialect.ts'
import { messageRoom } from '../../src/render/slack/limits.ts'
import { type Payload, textsOf } from '../../src/render/slack/payload.ts'
import { textsIn } from '../../test/fixtures/messages.ts'
import { decidedBy, now, viewsIn } from './decided.ts'
import { anyEvent, anyText } from './hostile.ts'
import { slackFaults, strangerFaults } from './judge.ts'
import { faultsAmong, type Target } from './target.ts'

const config = `
destinations: { local: { preview: true } }
links: [{ dashboard: "https://flux.example/{{ object.namespace }}/{{ object.name }}" }]
rules: [{ name: everything, match: { severity: info }, notify: every, send: local }]
`

interface Window {
  events: WireEvent[]
  dialect: Dialect
}

interface Digest {
  ids: string[]
  payload: Payload
}

/** A storm has few causes and many objects: the same event about others. */
const storm = fc
  .tuple(
    fc.array(anyEvent, { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(3), anyText, fc.boolean()), { minLength: 1, maxLength: 100 })
  )
  .map(([causes, objects]) =>
    objects.map(([cause, name, isAgain], index): WireEvent => {
      const event = causes[cause % causes.length] as WireEvent
      const number = isAgain ? Math.max(0, index - 3) : index
      return {
        ...event,
        involvedObject: { ...event.involvedObject, name: `obj${number}x${name.toWellFormed()}`.slice(0, 253) }
      }
    })
  )

function waitingFor({ events }: Window): Waiting[] {
  return viewsIn(decidedBy(config, events)).map((view, index) => ({
    id: `${index}`,
    event: `${index}`,
    createdAt: now,
    view
  }))
}

const nameOf = ({ view }: Waiting) => /^obj\d+x/.exec(view.object.name)?.[0] ?? '?'

function missing({ ids, payload }: Digest, waiting: readonly Waiting[], dialect: Dialect): string[] {
  const body = textsIn(
    dialect === 'slack' ? [...textsOf(payload)].map(({ text }) => text) : bodyFor(payload, dialect)
  ).join('\n')
  const named = new Set(ids)
  const names = new Set(waiting.filter(({ id }) => named.has(id)).map(nameOf))
  return [...names].filter((name) => !body.includes(name))
}

export const digest: Target<Window, { waiting: Waiting[]; digests: Digest[] }> = {
  name: 'digest',
  share: 25_000,
  input: fc.record({
    events: storm,
    dialect: fc.constantFrom<Dialect[]>('slack', 'slack-legacy', 'mattermost', 'rocketchat', 'discord', 'zulip', 'text')
  }),
  run(window) {
    const waiting = waitingFor(window)
    const digests: Digest[] = []
    for (let rest = waiting; rest.length > 0 && digests.length < 200; ) {
      const digest = composeDigest(rest, now, { maxText: digestRoom(window.dialect) })
      digests.push(digest)
      const named = new Set(digest.ids)
      rest = rest.filter(({ id }) => !named.has(id))
    }
    return { waiting, digests }
  },
  faults({ waiting, digests }, { dialect }) {
    const named = digests.flatMap(({ ids }) => ids)
    const lost = digests.flatMap((digest) => missing(digest, waiting, dialect))
    const texts = digests.map(({ payload }) => [...textsOf(payload)].map(({ text }) => text))
    return [
      ...faultsAmong({
        'an empty digest': digests.some(({ ids }) => ids.length === 0),
        'left out, or sent twice': named.length !== waiting.length || new Set(named).size !== waiting.length,
        [`a name is lost for ${dialect}: ${lost}`]: lost.length > 0,
        'over 10,000 characters': texts.some(
          (all) => all.reduce((sum, text) => sum + text.length, 0) > messageRoom.text
        ),
        'a section that is too long': texts.some((all) => all.some((text) => text.length > messageRoom.section))
      }),
      ...digests.flatMap(({ payload }) => [...slackFaults(payload), ...strangerFaults(payload)])
    ]
  }
}
