// Config watch: reloads the config file when it, or a file of secrets that it names, changes. A new config is built, checked, then
// swapped in whole. A bad file leaves the last good one in use.
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../clock.ts'
import { RelayError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { type Config, type Loaded, loadConfig } from './config.ts'
import { notThere, readText, stampOf } from './files.ts'
import { formatProblem } from './problem.ts'
import { filesIn } from './secrets.ts'

/** Why the file as it is now is not in use. */
export interface Refusal {
  /** When the file was read, in ms. */
  at: number
  /** `config.yaml:14:9 "eror" is not one of info, warn, error`. */
  problems: readonly string[]
}

/** The result of reading the file again. */
export interface Reading {
  file: string
  /** Undefined if the file could not even be read. */
  text: string | undefined
  /** What keeps the file from being used: `14:9 "eror" is not one of …`. */
  problems: string[]
  isGood: boolean
}

/** How soon a change is seen. The file is polled: a ConfigMap changes by a swapped symbolic link, which no notification follows. */
const lookEveryMs = 500

/** A file that is missing at so many looks is gone, and not between the two halves of a swap. */
const goneLooks = 6

const followAgainMs = 5000

/** The most secret files that are looked at, which takes milliseconds. Whoever changes one beyond these sends SIGHUP. */
const maxFollowed = 1000

export type ConfigWatch = ReturnType<typeof watchConfig>

/** Reads `file`. Throws BAD_CONFIG with every fault if the first reading fails: then there is nothing to go on with. */
export function watchConfig(
  file: string,
  environment: Record<string, string | undefined>,
  { log, metrics }: { log: Logger; metrics: Pick<Metrics, 'configReloads'> }
) {
  let secretFiles: string[] = []
  let used = ''
  const first = load({ isRunning: false }).loaded
  if (first.config === undefined) throw new RelayError('BAD_CONFIG', first.problems.map(formatProblem).join('\n'))
  warn(first)
  let config = first.config
  let refusal: Refusal | undefined
  let changed = async () => {}
  let afterReading = async (_: Reading) => {}
  let clock: Pick<Clock, 'now' | 'after'> = systemClock
  let looking: NodeJS.Timeout | undefined
  let isStopped = false
  /** Resolves when all changes so far have taken effect, one after the other. */
  let following = Promise.resolve()
  let takeBack = () => {}
  let seen = used
  let missed = 0

  function warn({ problems }: Loaded): void {
    for (const { line, message, isWarning } of problems) {
      if (isWarning) log.warn({ file, line }, message)
      else log.error({ file, line }, message)
    }
  }

  /** Throws BAD_CONFIG if the file cannot be read. */
  function load({ isRunning }: { isRunning: boolean }): { text: string; loaded: Loaded } {
    // Each stamp is taken before its file is read: a change meanwhile is seen at the next look.
    const stamp = stampOf(file)
    const text = readText(file, { waits: !isRunning })
    if (typeof text === 'string') secretFiles = filesIn(text).slice(0, maxFollowed)
    used = stampsOf([stamp, ...secretFiles.map(stampOf)])
    if (typeof text !== 'string')
      throw new RelayError(
        'BAD_CONFIG',
        `cannot read CONFIG_FILE ${file}: it ${text.error}${text.error === notThere ? '; set CONFIG_FILE to where yours is' : ''}`
      )
    return { text, loaded: loadConfig(text, file, environment, { isRunning }) }
  }

  function read(): { loaded: Loaded; reading: Reading } {
    try {
      const { text, loaded } = load({ isRunning: true })
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

  /** Reads the file again. A file with an error changes nothing. */
  function reload(): void {
    if (isStopped) return
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
      refusal = { at: clock.now(), problems: reading.problems.map((problem) => place + problem) }
      return
    }
    refusal = undefined
    log.info({ file, rules: config.rules.all.length }, 'config reloaded')
    follow()
  }

  /** Makes the new config take effect, and tries again until all of it has: the database may be away. */
  function follow(): void {
    takeBack()
    following = following.then(changed).catch((error: unknown) => {
      log.error({ err: error }, 'the new config is in use, but not all of it took effect; trying again in 5 seconds')
      if (!isStopped) takeBack = clock.after(followAgainMs, follow)
    })
  }

  function look(): void {
    const stamps = [file, ...secretFiles].map(stampOf)
    const now = stampsOf(stamps)
    // A file that has changed since the last look may still be written to: half a file may be a valid one, without the rest.
    const isStill = now === seen
    seen = now
    missed = stamps.includes(undefined) ? missed + 1 : 0
    // A missing file may be in the middle of a swap. If it stays away it is reported, because a restart would not find it either.
    const isSwapped = missed > 0 && missed < goneLooks
    if (isStill && !isSwapped && now !== used) reload()
  }

  return {
    current: (): Config => config,
    /** Why {@link current} is not what the file says; undefined if it is. */
    refusal: () => refusal,
    reload,
    /** Calls `whenChanged` after each swap, and `whenRead` after each reading. `own` is the clock that times refusals on the pages. */
    start(
      whenChanged: () => Promise<void>,
      whenRead: (reading: Reading) => Promise<void>,
      own: Pick<Clock, 'now' | 'after'>
    ): void {
      clock = own
      changed = whenChanged
      afterReading = whenRead
      looking = setInterval(look, lookEveryMs).unref()
    },
    stop(): void {
      isStopped = true
      takeBack()
      clearInterval(looking)
    }
  }
}

function stampsOf(stamps: readonly (string | undefined)[]): string {
  return stamps.join('\n')
}
