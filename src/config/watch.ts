// Config watch: reloads the config file when it changes: built, checked, then swapped whole. A bad file keeps the
// last good one.
import { readFileSync, statSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { RelayError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { type Config, type Loaded, loadConfig } from './config.ts'
import { formatProblem } from './problem.ts'

/** Why the file as it is now is not in use. */
export interface Refusal {
  /** When it was read, in ms. */
  at: number
  /** `config.yaml:14:9 "eror" is not one of info, warn, error`. */
  problems: readonly string[]
}

/** What came of reading the file again. */
export interface Reading {
  file: string
  /** Undefined where it could not even be read. */
  text: string | undefined
  /** `14:9 "eror" is not one of …`: what keeps it from being used. */
  problems: string[]
  isGood: boolean
}

/** How soon a change is seen. Polled: a ConfigMap changes by a swapped symbolic link, which no notification follows. */
const lookEveryMs = 500

/** A file that was not there so often is gone, and not between the two halves of a swap. */
const goneLooks = 6

export type ConfigWatch = ReturnType<typeof watchConfig>

/** Reads `file`. Throws BAD_CONFIG with every fault where the first reading fails: then there is nothing to go on with. */
export function watchConfig(
  file: string,
  environment: Record<string, string | undefined>,
  { log, metrics }: { log: Logger; metrics: Pick<Metrics, 'configReloads'> }
) {
  // Taken before it is read: a change while the relay is starting is seen as soon as it watches.
  let used = stampOf(file)
  const first = loadConfig(readText(file), file, environment)
  if (first.config === undefined) throw new RelayError('BAD_CONFIG', first.problems.map(formatProblem).join('\n'))
  warn(first)
  let config = first.config
  let refusal: Refusal | undefined
  let changed = async () => {}
  let afterReading = async (_: Reading) => {}
  let now = Date.now
  let looking: NodeJS.Timeout | undefined
  let seen = used
  let missed = 0

  function warn({ problems }: Loaded): void {
    for (const { line, message, isWarning } of problems) {
      if (isWarning) log.warn({ file, line }, message)
      else log.error({ file, line }, message)
    }
  }

  function read(): { loaded: Loaded; reading: Reading } {
    try {
      // Its next text may never come, and nobody would be answered meanwhile.
      if (isPipe(file)) throw new RelayError('BAD_CONFIG', `cannot read CONFIG_FILE ${file}: it is a pipe`)
      const text = readText(file)
      const loaded = loadConfig(text, file, environment)
      const errors = loaded.problems.filter(({ isWarning }) => !isWarning)
      const problems = errors.map(({ line, column, message }) => `${line}:${column} ${message}`)
      return { loaded, reading: { file, text, problems, isGood: loaded.config !== undefined } }
    } catch (error) {
      const { message } = error as Error
      log.error({ file }, message)
      const loaded = { config: undefined, problems: [] }
      return { loaded, reading: { file, text: undefined, problems: [message], isGood: false } }
    }
  }

  /** Reads the file again. Nothing changes unless all of it is right. */
  function reload(): void {
    const { loaded, reading } = read()
    warn(loaded)
    metrics.configReloads.succeeded(reading.isGood)
    if (loaded.config !== undefined) config = loaded.config
    afterReading(reading).catch((error: unknown) =>
      log.error({ err: error }, 'the operator could not be notified of the config file')
    )
    if (loaded.config === undefined) {
      log.error({ file }, 'the config file has errors; the last good one stays in use')
      const place = reading.text === undefined ? '' : `${file}:`
      refusal = { at: now(), problems: reading.problems.map((problem) => place + problem) }
      return
    }
    refusal = undefined
    log.info({ file, rules: config.rules.all.length }, 'config reloaded')
    changed().catch((error: unknown) =>
      log.error({ err: error }, 'the new config is in use, but not all of it took effect')
    )
  }

  function look(): void {
    const now = stampOf(file)
    // What was written to since the last look may be written to still: half a file may be a valid one, without the rest.
    const isStill = now === seen
    seen = now
    missed = now === undefined ? missed + 1 : 0
    // A restart would not find it either: whoever removed it hears of it now.
    const isGone = missed === goneLooks
    if (!isGone && (now === undefined || !isStill || now === used)) return
    used = now
    reload()
  }

  return {
    current: (): Config => config,
    /** Nothing, where {@link current} is what the file says. */
    refusal: () => refusal,
    reload,
    /** `whenChanged` is called after each swap, `whenRead` after each reading. `clock`: by which the pages say how long ago that was. */
    start(
      whenChanged: () => Promise<void>,
      whenRead: (reading: Reading) => Promise<void>,
      clock: Pick<Clock, 'now'>
    ): void {
      now = clock.now
      changed = whenChanged
      afterReading = whenRead
      looking = setInterval(look, lookEveryMs).unref()
    },
    stop: () => clearInterval(looking)
  }
}

/**
 * Another where the file is another, was written to (also by what sets its time back, as `cp -p` does) or may be read by
 * others than before; undefined where it cannot be looked at.
 */
function stampOf(file: string): string | undefined {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file)
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
  } catch {
    return undefined
  }
}

function isPipe(file: string): boolean {
  try {
    return statSync(file).isFIFO()
  } catch {
    return false
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    throw new RelayError(
      'BAD_CONFIG',
      `cannot read CONFIG_FILE ${file}: ${unreadable[code] ?? 'see its volume'} (${code})`
    )
  }
}

const unreadable: Record<string, string> = {
  ENOENT: 'there is no such file; set CONFIG_FILE to where yours is',
  EISDIR: 'it is a folder; name the file in it',
  EACCES: 'the user that the relay runs as may not; see the modes of the file and of its folders'
}
