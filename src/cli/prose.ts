// Prose: says log lines in words, for a person who starts the relay at a terminal.
import { visible } from '../legible.ts'
import { type Format, paint } from '../paint.ts'
import { plain } from './output.ts'

/** A line of the log, as pino writes it. */
interface Line {
  level: number
  /** In ms. */
  time: number
  msg?: string
  /** The config file, if the line is about it. */
  file?: string
  line?: number
  /** The address of the dashboard, with a token. */
  dashboard?: string
  err?: { message?: string; stack?: string }
  [field: string]: unknown
}

/** What is printed once, when the relay is up. */
export interface Start {
  host: string
  port: number
  config: string
  database: string
}

export interface Prose {
  /** Takes a line of the log. */
  write(text: string): void
  /** Says that the relay is up, and where. */
  started(start: Start): void
}

// https://getpino.io/#/docs/api?id=levels
const levels: [least: number, word: string, format: Format][] = [
  [50, 'error: ', 'red'],
  [40, 'warning: ', 'yellow'],
  [0, '', 'reset']
]

export function createProse(out: (text: string) => void): Prose {
  let warnings = 0
  let dashboard: string | undefined
  let isUp = false

  return {
    write(text) {
      const line = JSON.parse(text) as Line
      if (line.file !== undefined && line.level === 40 && !isUp) warnings += 1
      if (line.dashboard !== undefined) dashboard = line.dashboard
      // `started` prints these once, instead of once for each address.
      if (line.dashboard !== undefined || line.msg?.startsWith('Server listening at ')) return
      out(sayLine(line))
    },
    started({ host, port, config, database }) {
      isUp = true
      const isHere = /^(0\.0\.0\.0|::|127\..*|localhost|::1)$/.test(host)
      const address = `http://${isHere ? 'localhost' : host}:${port}`
      const found = warnings === 0 ? 'no warnings' : warnings === 1 ? '1 warning, above' : `${warnings} warnings, above`
      const facts: [what: string, is: string][] = [
        ['Dashboard', paint('underline', dashboard ?? address)],
        ['Flux posts to', `${address}/webhook`],
        ['Config', `${plain(config)}, with ${found}; a change of it takes effect at once`],
        ['Database', plain(database)]
      ]
      const rows = facts.map(([what, is]) => `  ${what.padEnd(15)}${is}\n`)
      out(`\n${paint('bold', 'The relay is up.')} Ctrl-C stops it.\n\n${rows.join('')}\n`)
    }
  }
}

/** A line of the log in words: `16:35:02  warning: config.yaml:10: …  lane=team`. */
function sayLine({ level, time, msg = '', file, line, err, dashboard: _, ...fields }: Line): string {
  const [, word = '', format = 'reset'] = levels.find(([least]) => level >= least) ?? []
  const place = file === undefined ? '' : `${[file, line].filter((part) => part !== undefined).join(':')}: `
  const facts = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
  )
  const clock = new Date(time).toTimeString().slice(0, 8)
  const error = err === undefined ? '' : `: ${visible(err.stack ?? err.message ?? '')}`
  const about = facts.length === 0 ? '' : paint('gray', `  ${plain(facts.join(' '))}`)
  return `${paint('gray', clock)}  ${paint(format, word)}${plain(place + msg)}${error}${about}\n`
}
