// The log: facts with fields, one line each, and no secret in any of them.
import { type DestinationStream, type Logger, pino } from 'pino'

// Every path below /services/ and its kin is a key to a channel, whoever's it is.
const webhookUrl = /(https?:\/\/[^\s"\\/]+\/(?:services|workflows|triggers)\/)[^\s"\\]+/g

/**
 * A pino logger whose finished lines are searched for `secrets()` and for webhook URLs: errors of libraries put
 * addresses into their messages, where redaction by path does not reach.
 */
export function createLog(secrets: () => readonly string[], stream: DestinationStream = standardOutput()): Logger {
  return pino({ base: null, hooks: { streamWrite: (line: string) => scrub(line, secrets()) } }, stream)
}

/**
 * Not pino's own destination: where the reader of a pipe has gone (`… | head`), that one tries its last line again for
 * ever, and the process never ends (sonic-boom, flushSync on EPIPE).
 */
function standardOutput(): DestinationStream {
  process.stdout.on('error', () => {})
  return process.stdout
}

/** `text` without the secrets, in the form JSON gives them and in their own. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text.replace(webhookUrl, '$1[redacted]')
  for (const secret of secrets) {
    for (const form of [secret, secret.trim(), JSON.stringify(secret).slice(1, -1)]) {
      if (clean.includes(form)) clean = clean.replaceAll(form, '[redacted]')
    }
  }
  return clean
}
