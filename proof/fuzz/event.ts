// Event target: turns an event into memory, fingerprint and view.

import type fc from 'fast-check'
import { failureFingerprint } from '../../src/events/cause.ts'
import { type FluxEvent, normalise, type WireEvent } from '../../src/events/flux.ts'
import { objectKey } from '../../src/objects/name.ts'
import { advance } from '../../src/objects.ts'
import { saidIn } from '../../src/render/compose/said.ts'
import { createView, type View } from '../../src/render/compose/view.ts'
import { compileLinks } from '../../src/render/links/links.ts'
import { anyEvent } from './hostile.ts'
import { hidden } from './mrkdwn.ts'
import { faultsAmong, type Target } from './target.ts'

const now = Date.UTC(2026, 8, 21, 15)
const { links } = compileLinks([
  {
    commit: 'https://git.example/{{ revision.sha }}',
    dashboard: 'https://flux.example/{{ object.namespace }}/{{ object.name }}'
  }
])

interface Outcome {
  event: FluxEvent
  print: string
  again: string
  key: string
  view: View
}

export const event: Target<WireEvent, Outcome> = {
  name: 'event',
  share: 150_000,
  input: anyEvent as fc.Arbitrary<WireEvent>,
  run(wire) {
    const event = normalise(wire, { source: 'default', cluster: undefined, defaultCluster: 'prod' }, now)
    const print = failureFingerprint(event)
    const again = failureFingerprint(event)
    const advanced = advance(undefined, event, now)
    const view = createView(event, advanced, { says: advanced.transition, mention: undefined }, { links })
    return { event, print, again, key: objectKey(event.object), view }
  },
  faults({ event, print, again, key, view }) {
    const { url = '', revision, object, ...named } = view
    const texts = [
      named.reason,
      saidIn(view).summary,
      named.message,
      named.controller,
      revision?.text ?? '',
      ...Object.values(object)
    ]
    return faultsAmong({
      'a malformed fingerprint': !/^\d+:[0-9a-f]{16}$/.test(print),
      'another fingerprint of the same text': print !== again,
      'no key': key === '',
      'a malformed time': Number.isNaN(event.at),
      'half a character': texts.some((text) => !text.isWellFormed()),
      'a hidden character': texts.some((text) => hidden.test(text)),
      'a name of several lines': [...Object.values(object), named.reason].some((text) => /[\n\r]/.test(text)),
      'too much text': texts.some((text) => text.length > 2400),
      'a link elsewhere': [url, revision?.url ?? ''].some(
        (link) => link !== '' && !/^https:\/\/(git|flux)\.example\//.test(link)
      ),
      'an internal key': ['token', 'digest', 'checksum'].some((key) => Object.hasOwn(event.metadata, key))
    })
  }
}
