// Inherited names: what every JavaScript object has, such as `constructor`, is an ordinary name when it comes from outside.
import t from 'tap'
import { meantBy } from '../src/events/vocabulary.ts'
import { importFlux } from '../src/import/import.ts'
import { readManifests } from '../src/import/manifest.ts'
import { adviceOnGroup, adviceOnSocket } from '../src/slack-api/words.ts'
import { composed, configWith } from './fixtures/composed.ts'
import { fluxEvent } from './fixtures/relay.ts'

const inherited = Object.getOwnPropertyNames(Object.prototype)
/** No object inherits this name, so the others have to behave the same. */
const ordinary = 'ordinary'

const withoutName = (value: unknown, name: string): string => JSON.stringify(value).replaceAll(name, ordinary)

t.test('an event says the same, whatever its kind, its reason and its shown keys are called', async (t) => {
  const messages = (name: string) => {
    const config = `${configWith('templates: { own: { title: "{{ metadata.name }}" } }')}\nshow: ["${name}", team]`
    const involvedObject = { kind: name, namespace: name, name, apiVersion: `${name}/v1` }
    const event = fluxEvent({ involvedObject, reason: name, metadata: { team: 'shop' } })
    const [message] = composed(config, [event]).messages
    // In mrkdwn, another character stands for an underscore.
    return withoutName(message?.blocks, name.replaceAll('_', '＿')).replaceAll(name, ordinary)
  }
  for (const name of inherited) t.equal(messages(name), messages(ordinary), name)
})

t.test('no such name is taken for a misspelt name of Flux', async (t) => {
  for (const name of inherited) t.equal(meantBy('kind', name), undefined, name)
})

t.test('an import knows no such version, type or kind', async (t) => {
  const read = ([version, type, kind]: readonly [string, string, string]) => {
    const head = (of: string) =>
      `apiVersion: notification.toolkit.fluxcd.io/${version}\nkind: ${of}\nmetadata: { name: a, namespace: apps }\nspec:\n`
    const provider = `${head('Provider')}  type: ${type}\n  address: https://hooks.slack.com/services/T/B/x\n`
    const alert = `${head('Alert')}  providerRef: { name: a }\n  eventSources: [{ kind: "${kind}", name: x }]\n`
    const { manifests, problems } = readManifests([provider, alert].join('---\n'), 'flux.yaml')
    return { problems, imported: importFlux(manifests, 'flux-system') }
  }
  for (const name of inherited) {
    for (const place of [0, 1, 2]) {
      const given = (of: string) => ['v1beta3', 'slack', 'Kustomization'].with(place, of) as [string, string, string]
      t.equal(withoutName(read(given(name)), name), withoutName(read(given(ordinary)), ordinary), `${name} at ${place}`)
    }
  }
})

t.test('as error codes of Slack they are unknown', async (t) => {
  for (const name of inherited) {
    t.equal(adviceOnSocket(name), adviceOnSocket(ordinary), name)
    t.equal(adviceOnGroup(name, 'S012AB3CD'), adviceOnGroup(ordinary, 'S012AB3CD'), name)
  }
})
