// Bench wrk: makes `wrk` (Debian) post new failures, each one different (peers.lua).
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Posting {
  connections: number
  threads: number
  seconds: number
  /** Worded by Flux, or an alert of the same length. */
  body: 'flux' | 'alert'
  /** Prefix of all names in this run. */
  prefix: string
}

export interface Posted {
  count: number
  seconds: number
  /** Latency in ms. */
  p50: number
  p99: number
  /** Refused, or without an answer for ten seconds. */
  refused: number
}

export async function postTo(url: string, posting: Posting): Promise<Posted> {
  const { connections, threads, seconds, body, prefix } = posting
  const load = [`-t${threads}`, `-c${connections}`, `-d${seconds}s`, '--timeout', '10s']
  const args = [...load, '-s', join(import.meta.dirname, 'peers.lua'), url, '--', body, prefix]
  const { stdout } = await promisify(execFile)('wrk', args, { timeout: (seconds + 20) * 1000 })
  return JSON.parse(stdout.slice(stdout.lastIndexOf('{'))) as Posted
}
