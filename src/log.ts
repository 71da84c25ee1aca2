// Log: writes facts with fields, one line each, with no secret in any of them.
import type { Writable } from 'node:stream'
import { type DestinationStream, type Logger, pino } from 'pino'
import { visible } from './legible.ts'
import { createNeedles, type Needles } from './needles.ts'
import { webhookUrl } from './secrecy.ts'

/**
 * Creates a pino logger that searches its finished lines for `own` secrets, to which some may be added later, for those of the config
 * file, and for webhook URLs: errors of libraries put addresses into their messages, where redaction by path does not reach.
 */
export function createLog(
  own: readonly string[],
  secrets: () => readonly string[],
  stream: DestinationStream = standardOutput()
): Logger {
  let known: readonly string[] = []
  let ownCount = 0
  // Secrets that a reload has replaced stay: a later line may be about what was sent with them.
  const all = new Set<string>()
  const needles = createNeedles()
  const streamWrite = (line: string) => {
    if (secrets() !== known || own.length !== ownCount) {
      known = secrets()
      ownCount = own.length
      for (const secret of [...own, ...known].filter((secret) => !all.has(secret))) {
        all.add(secret)
        for (const form of formsOf(secret)) needles.add(form)
      }
    }
    return cut(line, needles)
  }
  return pino({ base: null, hooks: { streamWrite } }, stream)
}

/** The most bytes that wait for the reader of a pipe: one that stands still must not take all memory. */
const maxUnread = 8 * 1024 * 1024

function standardOutput(): ReturnType<typeof linesTo> {
  process.stdout.on('error', () => {})
  const output = linesTo(process.stdout)
  // Runs however the process ends, except by a kill.
  process.on('exit', output.flush)
  return output
}

/**
 * Writes lines to `stream`. pino's own destination is not used: if the reader of a pipe has gone (`… | head`), that one tries its last
 * line again for ever, and the process never ends (sonic-boom, flushSync on EPIPE). What is logged between two looks at the network
 * goes in one write: a batch of events is committed together, and a write for each of their lines would cost more than the lines. If
 * nobody reads, lines are left out, and their number is logged when somebody does.
 */
export function linesTo(stream: Pick<Writable, 'write' | 'writableLength'>) {
  let lines = ''
  let lost = 0
  const flush = () => {
    const text = lines
    lines = ''
    if (text === '') return
    if (stream.writableLength > maxUnread) {
      lost += text.split('\n').length - 1
      return
    }
    const msg = `nobody read the log: ${lost} lines were left out`
    const gap = lost === 0 ? '' : `${JSON.stringify({ level: 40, time: Date.now(), msg })}\n`
    lost = 0
    stream.write(gap + text)
  }
  return {
    write(line: string): void {
      if (lines === '') setImmediate(flush)
      lines += line
    },
    flush
  }
}

const webhook = new RegExp(webhookUrl, 'gi')

/** `text` without `secrets` and webhook URLs, for output when there is no log yet. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const needles = createNeedles()
  for (const form of secrets.flatMap(formsOf)) needles.add(form)
  return cut(text, needles)
}

/** Removes secrets, and what a terminal would obey: JSON leaves some of that as it is, and lines have names from events in them. */
function cut(text: string, needles: Needles): string {
  return visible(needles.replace(text.replace(webhook, '$1[redacted]'), '[redacted]'))
}

/** All forms in which a secret may stand in a line. */
function formsOf(secret: string): string[] {
  const plain = secret.trim()
  const path = URL.canParse(plain) ? new URL(plain).pathname : ''
  return [secret, plain, path.length > 8 ? path : ''].flatMap((form) => {
    const inJson = inside(form)
    return [form, inJson, inside(inJson), encodeURIComponent(form)]
  })
}

function inside(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
