// Text: writes the exposition format of Prometheus. In: values by names. Out: some lines at a time, each part as bytes: to make one
// string of a fleet's ten megabytes, and bytes of that, would keep everybody waiting.
import { type Counter, type Metric, Registry } from 'prom-client'
import { inParts } from '../turns.ts'

/** The name of a metric, and its help text. */
export interface Family {
  name: string
  help: string
}

/** What its series are for: each of these names, or each of them with each value of another label. */
export interface Labels {
  label: string
  names: readonly string[]
  other?: { label: string; values: readonly string[] }
}

/** The value of a series; undefined if there is none. */
type NumberOf = (name: string, other: string | undefined) => number | undefined

/** A text, some lines at a time. */
export type Text = AsyncGenerator<Buffer>

export async function partsOf(text: Text): Promise<Buffer[]> {
  const parts: Buffer[] = []
  for await (const part of text) parts.push(part)
  return parts
}

/**
 * Writes a gauge whose series are kept nowhere: those of ten thousand sources would be a hundred thousand objects, to be set, gone
 * through and collected with each scrape.
 */
export async function* gaugeText(family: Family, labels: Labels, numberOf: NumberOf): Text {
  yield headOf(family, 'gauge')
  yield* linesOf(family.name, labels, numberOf)
}

/**
 * Writes a counter. What was not counted yet is 0, so that its first count is an increase. The empty name, which stands for all that
 * have gone, is there only once something was counted.
 */
export async function* counterText(counter: Counter, labels: Labels): Text {
  const { label, other } = labels
  const found = await counter.get()
  const counted = new Map<string, number>()
  for (const { labels: own, value } of found.values)
    counted.set(seriesKey(own[label], other && own[other.label]), value)
  yield headOf(found, 'counter')
  yield* linesOf(
    found.name,
    labels,
    (name, other) => counted.get(seriesKey(name, other)) ?? (name === '' ? undefined : 0)
  )
}

const seriesKey = (name: string | number | undefined, other: string | number | undefined) =>
  other === undefined ? String(name) : `${other} ${name}`

const headOf = ({ name, help }: Family, type: string) =>
  Buffer.from(`\n# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`)

async function* linesOf(metric: string, { label, names, other }: Labels, numberOf: NumberOf): Text {
  for await (const part of inParts(names)) {
    let text = ''
    for (const name of part) {
      const own = `${metric}{${label}="${escaped(name)}"`
      for (const value of other?.values ?? [undefined]) {
        const number = numberOf(name, value)
        if (number !== undefined)
          text += `${own}${value === undefined ? '' : `,${other?.label}="${value}"`}} ${number}\n`
      }
    }
    yield Buffer.from(text)
  }
}

const escaped = (name: string) => name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

/** Writes what `registry.metrics()` returns, without `others`. */
export async function* registryText(registry: Registry, others: ReadonlySet<unknown>): Text {
  for (const metric of registry.getMetricsAsArray()) {
    if (others.has(metric)) continue
    const found = await (metric as unknown as Metric).get()
    const linesOf = (values: readonly unknown[]) => {
      const one = new Registry()
      one.registerMetric({ name: found.name, get: async () => ({ ...found, values }) } as unknown as Metric)
      return one.metrics()
    }
    // `# HELP` and `# TYPE`, with which each part begins.
    const head = await linesOf([])
    yield Buffer.from(`\n${head}`)
    for await (const part of inParts<unknown>(found.values)) yield Buffer.from((await linesOf(part)).slice(head.length))
  }
}
