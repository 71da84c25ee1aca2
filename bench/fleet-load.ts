// Fleet load: `fleet-load.ts port clusters connections ms` posts a fleet's events when they are due, whether or not the last
// was answered, each signed with its cluster's key. Prints a line of JSON per minute; latencies count from the due time.
import { createHmac } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { clusterName, type Due, fleetEvents, keyOf } from './fleet-events.ts'
import { createSender, quantile, requestOf, type Sender } from './senders.ts'

export interface Minute {
  /** Events answered in the minute; `refused` with a status other than 202. */
  count: number
  refused: number
  /** In ms. */
  p50: number
  p99: number
  worst: number
  /** Events still waiting for a connection at the end of the minute. */
  waiting: number
}

const minuteMs = 60_000

async function post(port: number, clusters: number, connections: number, ms: number): Promise<void> {
  const free: Sender[] = await Promise.all(Array.from({ length: connections }, () => createSender(port)))
  const waiting: { due: Due; since: number }[] = []
  let [times, refused, open]: [number[], number, number] = [[], 0, 0]

  function sendNext(): void {
    while (free.length > 0 && waiting.length > 0) {
      const [send, next] = [free.shift(), waiting.shift()]
      if (send === undefined || next === undefined) return
      open += 1
      void send(signed(next.due)).then((isAccepted) => {
        times.push(performance.now() - next.since)
        if (!isAccepted) refused += 1
        open -= 1
        free.push(send)
        sendNext()
      })
    }
  }

  function report(): void {
    const sorted = Float64Array.from(times).sort()
    const minute: Minute = {
      ...{ count: times.length, refused, waiting: waiting.length },
      ...{ p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), worst: sorted.at(-1) ?? 0 }
    }
    process.stdout.write(`${JSON.stringify(minute)}\n`)
    times = []
    refused = 0
  }

  const started = performance.now()
  let reportAt = minuteMs
  for (const due of fleetEvents(clusters, ms)) {
    for (let passed = performance.now() - started; passed < due.at; passed = performance.now() - started) {
      if (passed >= reportAt) {
        report()
        reportAt += minuteMs
      }
      sendNext()
      await pause(1)
    }
    // The due time is when this loop noticed it: a delay of the generator's own timers is not the relay's.
    waiting.push({ due, since: performance.now() })
  }
  while (waiting.length > 0 || open > 0) {
    sendNext()
    await pause(1)
  }
  report()
}

function signed({ cluster, body }: Due): string {
  const text = body(Date.now())
  const signature = createHmac('sha256', keyOf(cluster)).update(text).digest('hex')
  return requestOf(`/webhook/${clusterName(cluster)}`, text, `X-Signature: sha256=${signature}\r\n`)
}

if (import.meta.main) {
  const [port = 0, clusters = 1, connections = 1, ms = 0] = process.argv.slice(2).map(Number)
  await post(port, clusters, connections, ms)
  process.exit()
}
