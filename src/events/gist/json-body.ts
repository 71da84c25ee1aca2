// JSON body: reads what a service says is wrong out of a JSON answer.

const opening =
  /\{\s{0,40}"(?:(?:error|errors|errcode|code|message|detail|details|status|statusCode|title|level|ts|time|timestamp|severity|msg)":|kind":\s{0,4}"Status")/g
const said = /"(?:error_description|message|detail|details)":\s{0,4}"((?:[^"\\]|\\.){1,600})"/
/** For a line of a log, which is no answer of a service, and for bodies with nothing else. */
const logged = [/"(?:error|err)":\s{0,4}"((?:[^"\\]|\\.){1,600})"/, /"msg":\s{0,4}"((?:[^"\\]|\\.){1,600})"/]

/** The exit status of a program that gives its reason on the next lines. */
const exit = /(?:: )?(?:rpc error: code = \w{1,30} desc = )?exit status \d{1,3}$/

/** Longest part of a body that is read, since every service comes to the point before; and the most bodies tried in one message. */
const maxBody = 2000
const maxBodies = 3

/** Returns `text` with the body replaced by its message. If the body stands on a later line, the message follows the first line. */
export function withoutJson(text: string): string {
  if (!text.includes('": ') && !text.includes('":"')) return text
  let tried = 0
  for (const { index } of text.matchAll(opening)) {
    if (++tried > maxBodies) break
    const body = text.slice(index, index + maxBody)
    const found = [said, ...logged].map((pattern) => pattern.exec(body)).find((match) => match !== null)
    if (found === undefined) continue
    const message = (found[1] ?? '').replace(/\\[rnt]/g, ' ').replace(/\\(.)/g, '$1')
    const before = text.slice(0, index)
    const line = before.indexOf('\n')
    if (line >= 0) return `${before.slice(0, line).replace(exit, '')}: ${message}`
    return `${before}${message}${text.slice(endOfBody(text, index) ?? index + found.index + found[0].length)}`
  }
  return text
}

/** Returns the position after the body that opens at `start` and after brackets around it; undefined if it does not end. */
function endOfBody(text: string, start: number): number | undefined {
  const body = text.slice(start, start + 2 * maxBody)
  let depth = 0
  for (const { 0: token, index } of body.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') depth++
    if (token !== '}' || --depth > 0) continue
    return start + index + (/^[\s\]}]{0,60}/.exec(body.slice(index, index + 60))?.[0].trimEnd().length ?? 1)
  }
  return undefined
}
