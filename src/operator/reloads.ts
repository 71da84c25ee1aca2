// Reloads: notifies the operator of a faulty config file, once for each faulty text, and when it is valid again.
import { hash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Reading } from '../config/watch.ts'
import { configNotice } from '../notices/relay.ts'
import type { Announce } from './operator.ts'

/** Replicas read the same file within minutes; the same mistake a day later is another. */
const withinMs = 60 * 60 * 1000

/** Returns what to do with each reading after the first, which was valid. */
export function createReadings(announce: Announce, clock: Clock): (reading: Reading) => Promise<void> {
  let refused: { key: string; since: number } | undefined
  return async ({ file, text, problems, isGood }) => {
    const now = clock.now()
    if (isGood) {
      if (refused === undefined) return
      const { key, since } = refused
      refused = undefined
      await announce(`config right after ${key}`, configNotice(file, { problems, since, isOver: true }, now), withinMs)
      return
    }
    const key = hash('sha256', text ?? '', 'base64url')
    if (key === refused?.key) return
    refused = { key, since: refused?.since ?? now }
    await announce(`config refused ${key}`, configNotice(file, { problems, since: now, isOver: false }, now), withinMs)
  }
}
