// Commands with secrets in files, options and environment: print none of them.

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { canary, leaksIn, plainCanary } from '../fixtures/canaries.ts'
import { freePort, run } from '../fixtures/process.ts'
import { about, tempFolder } from '../fixtures/relay.ts'

/** Starts a server that answers everything with an error that repeats the request. */
async function startMirror(t: Test): Promise<string> {
  const server = createServer((req, res) =>
    res.writeHead(500, { location: req.url ?? '' }).end(JSON.stringify([req.url, req.headers]))
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('no command prints a secret', async (t) => {
  const folder = tempFolder(t)
  const mirror = await startMirror(t)
  const gone = `http://127.0.0.1:${await freePort()}`
  const at = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const webhook = (base: string) => `${base}/services/T0/B0/${plainCanary('webhook')}`
  const config = at(
    'config.yaml',
    `
sources: { default: { hmacKeys: ["\${HMAC}"], tokens: ["\${file:${at('token', canary('token'))}}"] } }
destinations:
  one: { slack: { webhookUrl: "${webhook(mirror)}" } }
  two: { slack: { webhookUrl: "${webhook(gone)}", username: "\${HMACC}" } }
rules: [{ name: all, match: { severity: info }, send: [one] }]
`
  )
  const good = at(
    'good.yaml',
    `
sources: { default: { hmacKeys: ["\${HMAC}"], tokens: [${plainCanary('written')}] } }
destinations:
  one: { slack: { webhookUrl: "${webhook(mirror)}" } }
  two: { slack: { webhookUrl: "${webhook(gone)}" } }
rules: [{ name: all, match: { severity: info }, send: [one, two] }]
`
  )
  const odd = at(
    'odd.yaml',
    `
sources: { default: { hmacKeys: { a: "${plainCanary('written')}" }, tokens: ["${plainCanary('token')}"  } }
destinations: [ { webhookUrl: https://hooks.slack.com/services/T0/B0/${plainCanary('webhook')} } ]
`
  )
  const astray = at(
    'astray.yaml',
    `
sources: { default: { hmacKey: "${plainCanary('written')}", tokens: { ${plainCanary('token')}: x } } }
destinations:
  one: { slack: "https://discord.com/api/webhooks/1/${plainCanary('webhook')}" }
  two: { ${plainCanary('moved')}: 1, slack: { webhookUrl: ["${plainCanary('refused')}"], channel: { a: ${plainCanary('silent')} } } }
rules: [{ name: "https://hooks.slack.com/services/T0/B0/${plainCanary('webhook')}", send: "https://u:${plainCanary('proxy')}@x/" }]
`
  )
  const flux = at(
    'flux.yaml',
    `
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: { name: slack, namespace: flux-system }
spec: { type: slack, address: "${webhook('https://hooks.slack.com')}", proxy: "http://u:${plainCanary('proxy')}@proxy", secretRef: { name: s } }
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: { name: all, namespace: flux-system }
spec: { providerRef: { name: slack }, eventSources: [{ kind: Kustomization, name: "*" }] }
---
apiVersion: v1
kind: Secret
metadata: { name: s, namespace: flux-system }
data: { address: ${Buffer.from(webhook('https://hooks.slack.com')).toString('base64')}, token: "${Buffer.from(plainCanary('flux')).toString('base64')}" }
stringData: { password: "${plainCanary('flux')}", headers: "Authorization: Bearer ${plainCanary('flux')}" }
`
  )
  const event = at('event.json', JSON.stringify(about('shop')))
  const tests = at(
    'tests.yaml',
    'tests: [{ name: a, event: { kind: Kustomization, name: x }, expect: { notified: [] } }]\n'
  )
  const wrong = ['--token', canary('admin')]
  const commands: string[][] = [
    ...[
      ['check', config],
      ['check', config, '--json'],
      ['check', odd],
      ['check', astray],
      ['check', astray, '--json'],
      ['explain', astray, at('event-of-astray.json', '{}')],
      ['check', good, '--drill'],
      ['check', good, '--drill', '--json']
    ],
    ...[
      ['explain', good, event],
      ['explain', good, event, '--json'],
      ['explain', config, event],
      ['explain', odd, event],
      ['explain', good, good]
    ],
    ...[
      ['test', good, tests],
      ['test', odd, tests],
      ['test', astray, astray],
      ['test', good, astray],
      ['test', good, odd, '--json'],
      ['import', flux],
      ['import', flux, '--json'],
      ['import', flux, '--flux']
    ],
    ...[mirror, gone, `http://u:${plainCanary('proxy')}@127.0.0.1:1`, plainCanary('wrong')].flatMap((url) => [
      ['send', `${url}/webhook`, event, '--hmac-key', canary('hmac'), '--token', plainCanary('token')],
      ['notifications', '--url', url, ...wrong],
      ['retry', '1', '--url', url, ...wrong],
      ['silence', 'list', '--url', url, ...wrong],
      ['replay', '--url', url, '--config', good, ...wrong]
    ]),
    [
      'migrate',
      '--from',
      `sqlite:${join(folder, 'none.db')}`,
      '--to',
      `postgres://u:${encodeURIComponent(canary('database'))}@127.0.0.1:1/d`
    ],
    ['migrate', '--from', 'nothing', '--to', `postgres://u:${canary('database')}#@127.0.0.1:1/d`],
    ...[
      ['--help'],
      ['replay', '--help'],
      ['send', '--help'],
      ['notifications', '--help'],
      ['migrate', '--help'],
      ['serve', plainCanary('wrong').slice(0, 3)]
    ]
  ]
  const env = {
    ...{ HMAC: canary('hmac'), ADMIN_TOKEN: canary('admin'), FLUX_HMAC_KEY: canary('flux') },
    DATABASE_URL: `postgres://u:${encodeURIComponent(canary('database'))}@127.0.0.1:1/d`
  }
  // Two at a time, because each is a process of its own.
  const left = [...commands]
  const work = async () => {
    for (let args = left.shift(); args !== undefined; args = left.shift()) {
      const { out, err } = await run(args, env)
      // The mirror's answer goes to whoever sent the secret.
      const isEcho = args[0] === 'send' && args[1]?.startsWith(mirror)
      t.ok((out + err).length > 0, args.slice(0, 2).join(' '))
      if (!isEcho) t.strictSame(leaksIn(out + err), [], args.slice(0, 4).join(' ').slice(0, 150))
    }
  }
  await Promise.all([work(), work()])
})
