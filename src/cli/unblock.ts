// `unblock`: tries a waiting lane now, and prints the outcome.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ListedLane } from '../../routes/api/lanes.ts'
import { ask, type ClientOptions } from './client.ts'
import { print } from './output.ts'

/** The longest wait for the outcome: an answer of Slack's may take 15 s, and a probe may ask twice. */
const patienceMs = 35_000
const lookMs = 250

/** Tries the lane that is called `name`, or is of the destination `name`. Resolves to the exit code: 1 if it takes no messages. */
export async function unblock(name: string, { json, ...relay }: ClientOptions): Promise<number> {
  const before = await find(relay, name)
  const path = `/api/lanes/${encodeURIComponent(name)}/try`
  const { body } = await ask(relay, 'POST', path)
  const isHeld = before !== undefined && isOnlyHeld(before)
  const after = body.isTried && !isHeld ? await outcomeOf(relay, name, before) : undefined
  const isFine = after === undefined ? body.notBefore === null : after.block === null && after.notBefore === null
  print(json, { ...body, after: after ?? null }, `${name}: ${isHeld ? sayHeld(before) : say(body, after)}`)
  return isFine ? 0 : 1
}

async function find(relay: ClientOptions, name: string): Promise<ListedLane | undefined> {
  const { body } = await ask(relay, 'GET', '/api/lanes')
  const lanes: ListedLane[] = body.lanes
  return lanes.find(({ lane, destinations }) => lane === name || destinations.includes(name))
}

/** The lane once the try has ended. */
async function outcomeOf(
  relay: ClientOptions,
  name: string,
  before: ListedLane | undefined
): Promise<ListedLane | undefined> {
  let found = before
  for (let waited = 0; waited < patienceMs; waited += lookMs) {
    await sleep(lookMs)
    found = await find(relay, name)
    const isDecided = found === undefined || found.notBefore !== null || found.backlog < (before?.backlog ?? 0)
    if (isDecided) break
  }
  return found
}

/** True if all that waits has yet to last, so that a try would not send it. */
export function isOnlyHeld({ backlog, oldest }: ListedLane): boolean {
  return backlog > 0 && oldest === null
}

function sayHeld({ backlog }: ListedLane): string {
  return `nothing is due there: ${backlog} held, to see whether ${backlog === 1 ? 'it lasts' : 'they last'}`
}

function say(
  { backlog, notBefore }: { backlog: number; notBefore: string | null },
  after: ListedLane | undefined
): string {
  if (notBefore !== null) return `Slack asked to wait until ${notBefore}, which still applies; ${backlog} waiting`
  if (backlog === 0 || after === undefined) return 'nothing is waiting there'
  if (after.block) return `tried: it still answers ${after.block.reason}; next try ${after.notBefore ?? 'in a moment'}`
  if (after.notBefore !== null) return `tried: it could not be reached, or had trouble; next try ${after.notBefore}`
  return after.backlog === 0
    ? 'tried: nothing is waiting any more'
    : `tried: it takes messages; ${after.backlog} still waiting`
}
