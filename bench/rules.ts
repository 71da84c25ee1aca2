// `npm run bench:rules`: measures whether the number of rules matters. One failing event fires one rule; the others match
// another kind or namespace, or ask CEL.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../test/fixtures/process.ts'
import { cpuSeconds, load, median, start } from './servers.ts'

const slices = 11
const counts = [10, 1000, 10_000]
const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
const kinds = ['HelmRelease', 'GitRepository', 'OCIRepository', 'HelmChart', 'Bucket', 'ImageRepository', 'Terraform']

function configOf(count: number): string {
  const others = Array.from({ length: count - 1 }, (_, n) =>
    // One of a hundred is of the kind that comes, as where each team has its own rules.
    n % 100 === 0
      ? `  - { name: team-${n}, match: { kind: Kustomization, namespace: team-${n} }, send: team }`
      : `  - { name: team-${n}, match: { kind: ${kinds[n % kinds.length]}, namespace: team-${n}, when: 'object.name != "x"' }, send: team }`
  )
  return `destinations: { team: { preview: true } }\nrules:\n  - { name: failures, send: team }\n${others.join('\n')}\n`
}

const relays = await Promise.all(
  counts.map(async (count) => {
    writeFileSync(join(folder, `${count}.yaml`), configOf(count))
    const port = await freePort()
    const environment = {
      PORT: `${port}`,
      CONFIG_FILE: join(folder, `${count}.yaml`),
      DATABASE_URL: `sqlite:${join(folder, `${count}.db`)}`
    }
    return { count, port, process: await start('src/main.js', environment), rates: [] as number[], cpu: [] as number[] }
  })
)
for (const { port } of relays) await load(port, 64, 1500, 0, 'warm')
for (let slice = 0; slice < slices; slice++) {
  for (const relay of relays) {
    const before = cpuSeconds(relay.process)
    const { rate, count } = await load(relay.port, 64, 1000, 0, `app-${slice}`)
    relay.rates.push(rate)
    relay.cpu.push((1e6 * (cpuSeconds(relay.process) - before)) / count)
  }
}
const [base] = relays
process.stdout.write('rules      events/s    of 10 rules   CPU per event\n')
for (const { count, rates, cpu, process: relay } of relays) {
  const ratio = median(rates) / median(base?.rates ?? [])
  process.stdout.write(
    `${`${count}`.padEnd(8)}${Math.round(median(rates)).toString().padStart(11)}${ratio.toFixed(2).padStart(15)}${`${median(cpu).toFixed(0)} µs`.padStart(16)}\n`
  )
  relay.kill('SIGKILL')
}
rmSync(folder, { recursive: true })
