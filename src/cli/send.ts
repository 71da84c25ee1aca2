// `send`: posts events from files as notification-controller would, signed if there is a key.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { RelayError } from '../errors.ts'
import { bearer, sign } from '../events/signature.ts'
import { isHttp } from './client.ts'
import { print } from './output.ts'
import { readTextFile } from './text-file.ts'
import { whyUnanswered } from './unanswered.ts'

/** The longest that Flux waits. */
const answerWithinMs = 15_000

interface Answer {
  file: string
  status: number
  body: string
}

interface SendOptions {
  hmacKey?: string
  token?: string
  /** Gives events the present time as their timestamp. */
  now?: boolean
}

/** Posts files one after the other, so that they arrive in the order of their names. Resolves to the exit code. */
export async function send(
  url: string,
  paths: string[],
  { json, ...how }: SendOptions & { json?: boolean }
): Promise<number> {
  if (!isHttp(url))
    throw new RelayError('NO_ANSWER', "the relay's address must be of the form http://localhost:8080/webhook")
  const files = paths.flatMap(filesIn)
  if (files.length === 0) throw new RelayError('NO_ANSWER', `there is no .json file in ${paths.join(', ')}`)
  const answers: Answer[] = []
  for (const file of files) {
    const answer = await post(url, file, how)
    answers.push(answer)
    // Each answer is printed at once, so that whoever ends the command in the middle knows what was posted.
    if (!json) print(false, answer, `${file}: ${answer.status || 'no answer'} ${answer.body}`)
  }
  if (json) print(true, answers, '')
  return answers.every(({ status }) => status === 202) ? 0 : 1
}

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .filter((name) => /\.(json|body)$/.test(name))
    .sort()
    .map((name) => join(path, name))
}

async function post(url: string, file: string, { hmacKey, token, now }: SendOptions): Promise<Answer> {
  const body = now ? dated(readTextFile(file)) : readFileSync(file)
  try {
    const response = await request(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(hmacKey && { 'x-signature': sign(body, hmacKey) }),
        ...(token !== undefined && { authorization: bearer(token) })
      },
      body,
      signal: AbortSignal.timeout(answerWithinMs)
    })
    return { file, status: response.statusCode, body: (await response.body.text()).trim() }
  } catch (error) {
    return { file, status: 0, body: whyUnanswered(error, answerWithinMs) }
  }
}

/** The event of `text` with the present second as its timestamp. What is not an event is posted as it is, so that the relay says so. */
function dated(text: string): Buffer {
  try {
    const timestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    return Buffer.from(JSON.stringify({ ...JSON.parse(text), timestamp }))
  } catch {
    return Buffer.from(text)
  }
}
