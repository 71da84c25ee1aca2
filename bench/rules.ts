// `npm run bench rules`: whether the number of rules, and of owners, is felt.
// One failing event fires one rule; the others look at another kind, another namespace, or ask CEL.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, loadConfig } from '../src/config/config.ts'
import { decide, originOf } from '../src/decide.ts'
import { normalise } from '../src/events/flux.ts'
import { parseEvent } from '../src/rehearsal/event.ts'
import { freePort } from '../test/fixtures/process.ts'
import { about } from '../test/fixtures/relay.ts'
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

// Owners, from an event's text to the decision, without HTTP and disk, beside which they would not be seen. Each event belongs
// to another of the 10,000, and is the same for both tables. CPU time, as the rest of the machine may be busy.
const rounds = 21
const eventsOfRound = 4000
const forms = {
  namespace: (n: number) => `namespace: team-${n}`,
  'namespace*': (n: number) => `namespace: "team-${n}-*"`,
  metadata: (n: number) => `metadata: { team: team-${n} }`
}

function ownersConfig(count: number, form: (n: number) => string): Config {
  const entries = Array.from({ length: count }, (_, n) => `  - { match: { ${form(n)} }, send: team }`)
  const text = `destinations: { team: { preview: true } }\nowners:\n${entries.join('\n')}\n  - { send: team }\nrules:\n  - { name: failures, send: owner }\n`
  const { config } = loadConfig(text, 'bench.yaml', {})
  if (config === undefined) throw new Error('a faulty config')
  return config
}

function decisionsPerSecond(config: Config, form: keyof typeof forms): number {
  const now = Date.now()
  const bodies = Array.from({ length: eventsOfRound }, (_, n) => {
    const team = `team-${(n * 7919) % 10_000}`
    const namespace = form === 'namespace' ? team : form === 'namespace*' ? `${team}-eu` : 'apps'
    const wire = about(`app-${n}`, { metadata: { team } })
    return JSON.stringify({ ...wire, involvedObject: { ...wire.involvedObject, namespace } })
  })
  const before = process.cpuUsage()
  for (const body of bodies) {
    const wire = parseEvent(body)
    if (typeof wire === 'string') throw new Error(wire)
    const event = normalise(wire, originOf(config, 'default'), now, config.classify)
    decide({ event, body, identity: '', receivedAt: now }, undefined, config, now)
  }
  const { user } = process.cpuUsage(before)
  return (1e6 * eventsOfRound) / user
}

process.stdout.write('\nowners by      10,000, in decisions of 10\n')
for (const [form, write] of Object.entries(forms) as [keyof typeof forms, (n: number) => string][]) {
  const tables = [10, 10_000].map((count) => ownersConfig(count, write))
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const [few, many] = tables.map((config) => decisionsPerSecond(config, form))
    if (round > 0) ratios.push((many ?? 0) / (few ?? 1))
  }
  process.stdout.write(`${form.padEnd(15)}${median(ratios).toFixed(2)}\n`)
}
