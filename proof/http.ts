// `npm run proof http -- [--seconds 15] [--only TEXT]`: hostile clients against the relay as it is shipped.
// Also measures what everyone else notices meanwhile. Bounded in number and time, and to this machine.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { imageEnvironment } from '../test/fixtures/image.ts'
import { beginRelay, freePort } from '../test/fixtures/process.ts'
import { about } from '../test/fixtures/relay.ts'
import { attacks, run } from './http/attacks.ts'
import { watchFromOutside } from './http/watch.ts'

/** Limit for resident memory during any attack: 300 MB. 8,000 connections alone take 120 MB. */
const mostMiB = 286
/** Limit for the 99th percentile of /healthz. */
const mostMs = 100
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '15' }, only: { type: 'string', default: '' } }
})
const widths = [36, 9, 9, 12, 12, 10, 9, 8]
const row = (cells: (string | number)[]) =>
  process.stdout.write(
    `${cells.map((cell, at) => (at === 0 ? String(cell).padEnd(36) : String(cell).padStart(widths[at] ?? 8))).join('')}\n`
  )

const config = 'destinations: { local: { preview: true } }\nrules: [{ name: all, send: local }]\n'
row(['attack', 'opened', 'closed', 'healthz p99', 'slowest', 'accepted', 'refused', 'MiB'])
let failures = 0
for (const attack of attacks.filter(({ name }) => name.includes(values.only))) {
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-'))
  writeFileSync(join(folder, 'config.yaml'), config)
  const port = await freePort()
  const { relay, listening } = beginRelay(folder, port, {
    through: attack.through ?? [],
    env: { ...imageEnvironment, ...(attack.token !== undefined && { ADMIN_TOKEN: attack.token }) }
  })
  await listening
  relay.stdout?.resume()
  const ms = Number(values.seconds) * 1000
  const over = AbortSignal.timeout(ms)
  const [{ odd, opened, closed }, seen] = await Promise.all([
    run(attack, port, over),
    watchFromOutside(port, relay.pid ?? 0, ms, attack.token)
  ])
  const health = seen.healthMs.sort((a, b) => a - b)
  const [p99 = 0, slowest = 0] = [health[Math.floor(health.length * 0.99)], health.at(-1)]
  row([
    attack.name,
    opened,
    closed,
    `${p99.toFixed(0)} ms`,
    `${slowest.toFixed(0)} ms`,
    seen.accepted,
    seen.refused.length,
    seen.mostMiB.toFixed(0)
  ])
  const faults = [
    ...odd.map((answer) => `answered ${answer}`),
    ...(attack.through === undefined ? new Set(seen.refused) : []),
    ...(seen.mostMiB > mostMiB ? [`over ${mostMiB} MiB`] : []),
    ...(p99 > mostMs && !attack.isTooMany ? [`over ${mostMs} ms`] : [])
  ]
  if (!(await isWell(port))) faults.push('does not answer when it is over')
  if (relay.exitCode !== null || relay.signalCode !== null) faults.push('the relay is gone')
  for (const fault of faults) process.stdout.write(`  ${fault.slice(0, 300)}\n`)
  failures += faults.length
  relay.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
/** Reports whether the relay takes events again within some seconds. */
async function isWell(port: number): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    const [body, headers] = [JSON.stringify(about(`after-${tries}`)), { 'content-type': 'application/json' }]
    const answer = await fetch(`http://127.0.0.1:${port}/webhook`, { method: 'POST', body, headers }).catch(
      () => undefined
    )
    if (answer?.status === 202) return true
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  return false
}

process.exitCode = failures === 0 ? 0 : 1
