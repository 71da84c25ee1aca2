// Decisive line: chooses the line of a message that says what is wrong, with the headings above it.
import { actionIn } from '../change-log.ts'
import { isVague, isWrong } from './error-words.ts'

/** Nobody reads more lines. Controllers come to the point before, and a program that writes a log stops behind it. */
const maxLines = 400

// The frames of terraform, the bullets of lists, the bars of SOPS.
const frame = /^(?:remote: (?:(?=\s{0,8}-)|error: )?)?[\s│╷╵┃├└─|>]*(?:(?:[-*•]|\d{1,3}[.)])\s{1,8}(?:\|\s?)?)?/u
/** The time at the start of a log line, before its level. */
const stamp =
  /^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d| UTC)?\]?\s{1,4}(?=\[?(?:error|fatal|panic|err|warn(?:ing)?|info|debug)\b)/i
const continued = /^\s*\|\s/

/** A line drawn behind the beginning of a report. */
const rule = /(?<=: )[=*_~-]{8,}\s*$/

const noise =
  /^(?:Group \d+: FAILED|.{1,300}: FAILED|Recovery failed because .*|order for SOPS to recover.*|but none were\.?|For verbose messaging see.*|aws\.Config\.Cred.*|goroutine \d.*|\tat .*|at [\w.$/<>]+\(.*|[\w./-]+\.go:\d+.*|Last Helm logs:|with [\w.[\]"-]+,?|on \S+ line \d+.*|\d+: .*|[-=~^_*─├└\s]+|\[?(?:resource .*blocked due to the following policies:?)|(?:Resolve )?the following .*|Usage:.*|Occurrences:|(?:Policy|Entity)\s+: .*|See .* for (?:more|details).*|remote: (?:Review all .*)?|exit status \d+|Error details?:|Traceback .*|File ".*)$/i
const warning =
  /^(?:(?:[a-z][a-z ]{2,40} failed: )?\[?warn(?:ing)?\]?[:\s]|W\d{4} |deprecat(?:ed|ion)\b|note:|hint:|info:|\[info\]|debug:|I\d{4} )/i
/** The start of an error line in other programming languages. */
const elsewhere = /^(?:erreur|erro|errore|fehler|fout|błąd|ошибка|помилка|错误|錯誤|エラー|오류)\s?[:：]/i
const loud = /^(?:(?:error|fatal|panic|err|\[error\]):|(?:Error|ERROR|FATAL|PANIC|E\d{4})\b(?! CODE))/

/** GitHub says on the next lines which rule a push violates. */
const rules = /\b(?:Repository rule violations found|Protected branch update failed)\b/

/** Marks the next cause in errors of the first AWS SDKs, and in exceptions of Java and .NET. */
const causedBy = /^(?:caused by:|--->) /i

/** The text of the error comes on the next line: `rpc error: code = Unknown desc =` */
const empty = /\bdesc =$/

/** The answer to this request comes on the next line. */
const asked = /\b(?:GET|HEAD|PUT|POST|Get|Head|Put|Post) "?https?:\/\/\S{1,1500}$/

interface Line {
  text: string
  kind: 'heading' | 'warning' | 'wrong' | 'vague' | 'other'
  isLoud: boolean
}

/** Headings of a list of errors: of hashicorp/go-multierror, and of Helm if values do not fit their schema. */
const hasList = /\berrors? occurred$|specifications of the schema\(s\)/

export interface Decisive {
  /** Headings and what stands under them, as a chain on one line. */
  line: string
  /** Number of further errors in a list, or joined by Helm. */
  others: number
}

/** Finds the decisive line of `text`, which may be anything. */
export function decisiveLine(text: string): Decisive {
  const lines = linesOf(text)
  const at = indexOfDecisive(lines)
  const chosen = lines[at]
  if (chosen === undefined) return { line: '', others: 0 }
  const headings = headingsOf(lines, at)
  const detail = detailOf(lines, at)
  const cause = lines.findLast(({ text }, n) => n > at && causedBy.test(text))?.text ?? ''
  const list = headings.length > 0 ? lines.findIndex(({ text }) => hasList.test(text)) : -1
  const line = [
    ...headings.map((heading) => heading.replace(/(?:: )?\d+ errors? occurred$/, '')),
    chosen.text,
    detail,
    cause
  ]
    .map((part) => part.replace(causedBy, ''))
    .filter((part) => part !== '')
    .join(': ')
  const isItem = ({ kind }: Line, n: number) => list >= 0 && n > list && (kind === 'wrong' || kind === 'vague')
  const isJoined = ({ text }: Line, n: number) => n > at && text.startsWith('&& ')
  return { line, others: lines.filter((other, n) => n !== at && (isItem(other, n) || isJoined(other, n))).length }
}

function linesOf(text: string): Line[] {
  const texts: string[] = []
  let isContinued = false
  for (const raw of endsOf(text.split('\n'), maxLines * 4)) {
    const bare = raw.replace(frame, '').replace(stamp, '').replace(rule, '').trim()
    if (continued.test(raw) && isContinued && texts.length > 0) texts.push(`${texts.pop()} ${bare}`)
    else texts.push(bare)
    isContinued = /^\s*(?:[-*]\s{1,8})?\|\s/.test(raw)
  }
  const all = texts.map(withoutChange).filter((line) => line !== '')
  const telling = all.filter((line) => !noise.test(line.slice(0, 600)))
  // If there is nothing but noise, its first line still says something.
  return endsOf(telling.length > 0 ? telling : all.slice(0, 1), maxLines)
    .map(withoutOpenEnd)
    .map(lineOf)
}

/** Keeps at most `most` of `lines`: the first and the last ones. */
function endsOf(lines: readonly string[], most: number): readonly string[] {
  return lines.length <= most ? lines : [...lines.slice(0, most / 2), ...lines.slice(-most / 2)]
}

/** A resource that Helm waited for in vain, whose message is empty or ends in a colon. */
const open =
  /(?<=\bresource \S{1,380} (?:not ready|still exists))(?:\. status: \w{1,20}, message|(\. status: \w{1,20}, message: .{1,1000}?)):$/

/** Drops the open end of a line if the next line is no reason for it: the deadline, or another resource. */
function withoutOpenEnd(text: string, at: number, texts: readonly string[]): string {
  const next = texts[at + 1] ?? ''
  return text.endsWith(':') && (isVague(next) || next.startsWith('resource ')) ? text.replace(open, '$1') : text
}

/** Drops a line that begins a list of what was applied, such as `apply failed: secret/a unchanged`. */
function withoutChange(line: string): string {
  if (actionIn(line.replace(/ \(dry run\)$/, '')) !== undefined) return ''
  const introduction = /^([a-z][a-z ]{2,40} failed): (\S{1,600} \w{1,12})(?: \(dry run\))?$/.exec(line)
  return introduction !== null && actionIn(introduction[2] ?? '') !== undefined ? '' : line
}

function lineOf(text: string): Line {
  const head = text.slice(0, 2000)
  // An error of a cloud may end in an empty message.
  if (loud.test(head) && /: .{1,2000}:$/.test(head)) return lineOf(text.replace(/[:\s]+$/, ''))
  if (text.endsWith(':') || text.endsWith(': [') || asked.test(head) || rules.test(head) || empty.test(head))
    return {
      text: text.replace(/(?:: )?rpc error: code = \w{1,30} desc =$|[:[.\s]+$/, ''),
      kind: 'heading',
      isLoud: false
    }
  if (warning.test(head)) return { text: text.replace(/^\[?warning\]?:?\s*/i, ''), kind: 'warning', isLoud: false }
  const isLoud = loud.test(head) || elsewhere.test(head)
  const said = isLoud
    ? text.replace(/^(?:(?:error|fatal|panic|err|\[error\]):|Error:|(?:ERROR|FATAL|PANIC)\b:?)\s*/, '')
    : text
  if (isVagueChain(said)) return { text: said, kind: 'vague', isLoud }
  return { text: said, kind: isLoud || isWrong(head) ? 'wrong' : 'other', isLoud }
}

/** Reports whether a chain ends without a cause: `Apply error: rpc error: code = Internal desc = exit status 1` */
function isVagueChain(text: string): boolean {
  const last =
    text
      .slice(Math.max(0, text.length - 200))
      .split(': ')
      .at(-1) ?? ''
  return isVague(last.replace(/^.* desc = /, '')) && /exit status|deadline|timed out|canceled|<nil>/.test(last)
}

function indexOfDecisive(lines: readonly Line[]): number {
  const wrongAt = lines.findIndex(({ kind }) => kind === 'wrong')
  const first = lines.findIndex(({ kind }) => kind !== 'heading' && kind !== 'warning')
  // A loud line follows the lines about what was done before the error.
  const loudAt = lines.findIndex(({ isLoud, kind }) => isLoud && kind === 'wrong')
  if (wrongAt >= 0) return loudAt >= 0 && !startsWrong(lines) ? loudAt : wrongAt
  if (first >= 0) return first
  const warned = lines.findIndex(({ kind }) => kind === 'warning')
  return warned >= 0 ? warned : lines.length - 1
}

/** Reports whether a controller's own error stands first, with a log behind it. */
function startsWrong(lines: readonly Line[]): boolean {
  return lines[0]?.kind === 'wrong'
}

/** Returns the first line if it is a heading, and the heading nearest above `at`. */
function headingsOf(lines: readonly Line[], at: number): string[] {
  const nearest = lines.slice(0, at).findLastIndex(({ kind }) => kind === 'heading')
  const first = lines[0]
  // A heading or a vague line at the top introduces what follows; any other line before the decisive one adds nothing.
  const opening = at > 0 && (first?.kind === 'heading' || first?.kind === 'vague') ? [first.text] : []
  const near = nearest > 0 ? lines[nearest]?.text : undefined
  const headings = near === undefined || near.length > 60 ? opening : [...opening, near]
  return headings.map((text) => text.replace(/(?:: )?(?:rpc error: code = \w+ desc = )?(?:exit status \d+|<nil>)$/, ''))
}

/** Returns the sentence below a short title, such as terraform's `Unsupported argument`. */
function detailOf(lines: readonly Line[], at: number): string {
  const chosen = lines[at]
  if (chosen === undefined || !chosen.isLoud || chosen.text.includes(': ') || chosen.text.length > 60) return ''
  const next = lines[at + 1]
  return next === undefined || next.kind === 'heading' || next.isLoud ? '' : next.text
}
