// Terraform: reads the first error of a report of terraform or tofu. It is laid out for a terminal: in a box, wrapped at 78
// columns, with a piece of the file and its values between title and sentence.
import { isVague } from './error-words.ts'

const title = /^(?:│ ?)?Error: ?\S/u
/** The end of the box, or the beginning of the next report. */
const end = /^(?:[╵╷]|(?:│ ?)?(?:Error|Warning): )/u
const maxLines = 200

/**
 * Reads the first error of `text`: its title, and the sentence below it on one line. If the title says little and there is no
 * sentence, the resource stands for it. Undefined if `text` is about something else.
 */
export function reportIn(text: string): { title: string; sentence: string } | undefined {
  if (!text.includes('rpc error: code = ')) return undefined
  const lines = text.split('\n', maxLines)
  const at = lines.findIndex((line, n) => n > 0 && title.test(line))
  if (at < 0 || !isReport(lines, at)) return undefined
  const said = bare(lines[at] ?? '').replace(/^Error: ?/, '')
  const sentence = sentenceOf(lines.slice(at + 1).map((line) => (end.test(line) ? '╵' : bare(line))))
  const resource = /^ {2}with (\S{1,300}),$/.exec(bare(lines[at + 2] ?? ''))?.[1]
  if (sentence === '' && resource !== undefined && isVague(said)) return { title: resource, sentence: said }
  // A longer title, or one with a colon, is an error chain itself.
  return said.length > 60 || said.includes(': ') || sentence === '' ? undefined : { title: said, sentence }
}

/** Counts the error reports in `text` after the first. */
export function furtherReports(text: string): number {
  if (!text.includes('rpc error: code = ')) return 0
  const lines = text.split('\n', maxLines)
  return Math.max(0, lines.filter((line, at) => at > 0 && title.test(line) && isReport(lines, at)).length - 1)
}

/**
 * Joins the line on which tofu-controller says what it did with the one below, which names the plan that waits for approval, or
 * what was written. The provider of Azure names a resource on several lines, of which the last is its name.
 */
export function withHeadingOnOneLine(text: string): string {
  const rest = text.replace(/^(Planned|Outputs written)\.\n(?=\S)/, '$1: ')
  return rest.includes('(Subscription: "') ? rest.replace(ofAzure, '$1') : rest
}

// hashicorp/go-azure-helpers resourcemanager/commonids: `(Subscription: "…"`, `Resource Group Name: "…"`, `Virtual Machine Name: "…")`
const ofAzure =
  /\(Subscription: "[^"\n]{0,60}"\n(?:[A-Z][\w ]{1,60}: "[^"\n]{0,260}"\n){0,8}[A-Z][\w ]{1,60}: "([^"\n]{1,260})"\)/g

/**
 * Reports whether the title at `at` begins a report: the line below it is empty, and the text begins with the rpc error of what ran
 * terraform.
 */
function isReport(lines: readonly string[], at: number): boolean {
  const below = lines[at + 1]
  return (
    (below === undefined || bare(below).trim() === '') && /\brpc error: code = /.test((lines[0] ?? '').slice(0, 2000))
  )
}

function bare(line: string): string {
  return line.replace(/^│ ?/u, '').trimEnd()
}

/** Returns the first paragraph that is not indented: the place of the error and the excerpt of the file are indented. */
function sentenceOf(lines: readonly string[]): string {
  const words: string[] = []
  for (const line of lines) {
    if (line === '╵') break
    const isWrapped = line !== '' && !line.startsWith(' ') && !line.startsWith('\t')
    if (isWrapped && !(words.length > 0 && heading.test(line))) words.push(line)
    else if (words.length > 0) break
  }
  const sentence = words
    .join(' ')
    .replace(/^(?:Error message|On \S{1,200} line \d{1,6}): /, '')
    .slice(0, 3000)
  // The title already says what was requested, and from whom.
  return /\b(?:Get|Head|Post|Put) "https?:[^"]{1,1000}": (.+)$/.exec(sentence)?.[1] ?? sentence
}

/** A heading of the text that follows in the same paragraph. */
const heading = /^[A-Z][\w ]{1,30}:$/
