// Answer: decides what a status and a body mean for one receiver. Pure. Only the receiver's own yes counts: a proxy, a
// firewall or a login page may stand in front of it, and they answer 200 as readily as 403.
import type { Dialect } from '../render/receivers/dialect.ts'
import { isOfSlack } from '../render/receivers/hosts.ts'
import { readApiAnswer } from '../slack-api/answer.ts'
import { meanings } from '../slack-api/words.ts'
import { isUntrusted } from './unreached.ts'

/** The result of one HTTP request. It contains nothing of the URL. */
export type Reply =
  | {
      is: 'answer'
      status: number
      body: string
      retryAfterMs: number | undefined
      /** The host that a redirect names. */
      redirectsTo?: string | undefined
    }
  /** The proxy of HTTPS_PROXY answered with this status instead of opening the way: the receiver never saw the message. */
  | { is: 'proxy'; status: number }
  /** No answer, or half of one: nobody knows whether the receiver took the message. */
  | { is: 'failure'; code: string }

/** Nothing was posted: the message waits in a lane that is no longer its destination's. */
export const moved: Reply = { is: 'failure', code: 'DestinationMoved' }
/** Nothing was posted: its destination is no longer in the config file. */
export const removed: Reply = { is: 'failure', code: 'NoDestination' }

/**
 * Who answers. `slack` stands for Slack's incoming webhooks; `other` for any other receiver that calls itself Slack-compatible,
 * of which nothing is known.
 */
export type Receiver = 'slack' | 'web-api' | 'workflow' | 'mattermost' | 'rocketchat' | 'discord' | 'zulip' | 'other'

export type Kind =
  /** The receiver said that it took the message. */
  | 'taken'
  /** A 2xx that is neither a yes nor a no: the message may have been taken. */
  | 'unclear'
  /** A no that may not be the receiver's own, or does not say whether it is about this message or about all of them. */
  | 'doubtful'
  /** The proxy lets nothing through. */
  | 'proxy'
  /** The other end could not prove to be the receiver, so nothing was sent. */
  | 'untrusted'
  | 'rate limit'
  | 'transient'
  /** The receiver refuses this message. */
  | 'refused'
  /** The receiver refuses every message to this webhook or channel, or with this token. */
  | 'gone'

/** The receiver behind a webhook `url` that is spoken to in `dialect`. */
export function receiverOf(url: string, dialect: Dialect): Receiver {
  if (dialect === 'workflow') return 'workflow'
  if (!URL.canParse(url)) return 'other'
  const { hostname, pathname } = new URL(url)
  if (isOfSlack(hostname)) return 'slack'
  if (dialect === 'text') return 'other'
  if (dialect !== 'slack' && dialect !== 'slack-legacy') return dialect
  // Slack behind somebody's own address, such as an egress gateway that forwards to it.
  return pathname.startsWith('/services/') ? 'slack' : 'other'
}

/**
 * The 2xx answers without a plain yes that count as one. A receiver that is known to say yes in so many words gets no credit for
 * silence. From an unknown receiver everything but a web page or a no has to count: otherwise each of its messages would be
 * posted again for a day.
 */
const lenience: Record<Receiver, { empty: boolean; noContent: boolean; json: boolean; text: boolean }> = {
  // docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: `ok`.
  slack: { empty: false, noContent: false, json: false, text: false },
  // docs.slack.dev/reference/methods/chat.postMessage: {"ok":true} with where and when it was posted.
  'web-api': { empty: false, noContent: false, json: false, text: false },
  // node-slack-sdk WebhookTrigger: {"ok":true}; an empty answer as well, which made Grafana post twice (grafana/alerting#183).
  workflow: { empty: true, noContent: true, json: true, text: false },
  // mattermost server, web/webhook.go: `ok`.
  mattermost: { empty: false, noContent: true, json: false, text: false },
  // Rocket.Chat integrations/server/api: {"success":true}, or what the integration's own script makes of it.
  rocketchat: { empty: false, noContent: true, json: true, text: true },
  // docs.discord.com/developers/resources/webhook: 204, or the message as JSON if the request asked to wait; /slack: `ok`.
  discord: { empty: true, noContent: true, json: true, text: false },
  // zulip zerver/lib/response.py: {"result":"success"}.
  zulip: { empty: false, noContent: true, json: false, text: false },
  other: { empty: true, noContent: true, json: true, text: true }
}

// Incoming webhooks answer an error with one plain-text word, the Web API with {"ok":false,"error":word}. Statuses vary, so
// the word counts first. https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks, and reports from
// the field, where webhooks also answer with words of the Web API.
const words = {
  gone: [
    ...['action_prohibited', 'channel_is_archived', 'invalid_token', 'no_active_hooks', 'no_service', 'no_service_id'],
    ...['no_team', 'posting_to_general_channel_denied', 'team_disabled', 'user_not_found']
  ],
  refused: ['invalid_json', 'invalid_payload', 'json_not_object', 'missing_text_or_fallback_or_attachments'],
  transient: ['rollup_error']
} as const

const kindOfWord = new Map<string, Kind>([
  ...[...meanings].map(([word, { kind }]): [string, Kind] => [word, kind]),
  ...Object.entries(words).flatMap(([kind, all]) => all.map((word): [string, Kind] => [word, kind as Kind]))
])

/** Reports whether a refusal is about the token of an app, and so holds for all its channels. */
export function isAboutToken(reply: Reply, receiver: Receiver): boolean {
  if (receiver !== 'web-api' || reply.is !== 'answer' || kindOf(reply, receiver) !== 'gone') return false
  return meanings.get(read(reply.body).word)?.scope === 'token'
}

export function kindOf(reply: Reply, receiver: Receiver): Kind {
  if (reply.is === 'failure') return isUntrusted(reply.code) ? 'untrusted' : 'transient'
  if (reply.is === 'proxy') return 'proxy'
  const { status, body, redirectsTo } = reply
  if (status === 429) return 'rate limit'
  if (status === 407) return 'proxy'
  const said = read(body)
  const known = kindOfWord.get(said.word)
  if (status >= 200 && status < 300) return kindOfSuccess(status, said, receiver, body)
  if (known !== undefined) return known
  const own = isFrom(receiver, said, status) ? kindOfOwn(receiver, said) : undefined
  if (own !== undefined) return own
  // 511: a captive portal wants somebody to log in.
  if ((status >= 500 && status !== 511) || status === 408 || status === 425) return 'transient'
  // Slack answers a URL that is not one of its webhooks with a redirect to its pages.
  if (status < 400) return receiver === 'slack' && isOfSlack(redirectsTo ?? 'slack.com') ? 'gone' : 'doubtful'
  if (status === 413) return 'refused'
  if (!isFrom(receiver, said, status)) return 'doubtful'
  return [401, 403, 404, 410].includes(status) ? 'gone' : 'refused'
}

/**
 * Errors about a webhook or its channel that receivers send under the status of a faulty message. If they were taken for that,
 * every message would be lost until somebody looks.
 */
const ofWebhooks: Partial<Record<Receiver, RegExp>> = {
  // mattermost server, app/webhook.go: 400 for a webhook that was deleted, 501 where none are allowed.
  mattermost: /^web\.incoming_webhook\.(invalid|disabled|channel|channel_locked|permissions|user)\.app_error$/,
  // Rocket.Chat integrations/server/api and processWebhookMessage: 400 for each of them.
  rocketchat:
    /^invalid integration|^(?:error-)?(?:invalid[- ](?:channel|room)|room[- ](?:not[- ]found|is[- ]readonly|archived)|not[- ]allowed)/i,
  // docs.discord.com/developers/topics/opcodes-and-status-codes: no such channel, webhook or token; archived; a forum, which
  // needs `thread_name`.
  discord: /^(10003|10015|50027|50083|160005|22000[123])$/,
  // zulip zerver/lib/exceptions.py
  zulip:
    /^(STREAM_DOES_NOT_EXIST|NONEXISTENT_SUBDOMAIN|INVALID_API_KEY|REALM_DEACTIVATED|USER_DEACTIVATED|UNAUTHORIZED_PRINCIPAL)$/
}

/** The kind of an error in the form of `receiver`, if the error says in so many words what it is about. */
function kindOfOwn(receiver: Receiver, { fields }: Said): Kind | undefined {
  const { id, error, code } = fields
  const word = { mattermost: id, rocketchat: error, discord: code, zulip: code }[receiver as string]
  // Mattermost has had one word for everything since 9.6.
  if (receiver === 'mattermost' && word === 'web.incoming_webhook.general.app_error') return 'doubtful'
  return ofWebhooks[receiver]?.test(String(word)) ? 'gone' : undefined
}

function kindOfSuccess(status: number, said: Said, receiver: Receiver, body: string): Kind {
  const { empty, noContent, json, text } = lenience[receiver]
  const known = kindOfWord.get(said.word)
  if (said.is === 'page') return 'doubtful'
  if (said.verdict === 'no') return known ?? 'doubtful'
  if (said.verdict === 'yes') {
    // A gateway says {"ok":true}, too; only Slack says where the message was posted.
    return receiver !== 'web-api' || readApiAnswer(body)?.posted !== undefined ? 'taken' : 'unclear'
  }
  if (known !== undefined) return known
  if (said.is === 'nothing') return (status === 204 ? noContent : empty) ? 'taken' : 'unclear'
  // These are the words of somebody else: nobody knows who has the message.
  if (said.is === 'text') return text ? 'taken' : 'unclear'
  return json ? 'taken' : 'doubtful'
}

/** The meaning of a body, as far as it is clear without knowing who sent it. */
export interface Said {
  is: 'nothing' | 'page' | 'json' | 'text'
  /** The word that Slack answers errors with; empty if there is none. */
  word: string
  verdict: 'yes' | 'no' | undefined
  fields: Record<string, unknown>
}

/** Reads the start of a body, which may be anything. */
export function read(body: string): Said {
  const text = body.replace(/^\ufeff/, '').trim()
  const nothing = { word: '', verdict: undefined, fields: {} }
  if (text === '') return { ...nothing, is: 'nothing' }
  if (/^<[!?a-z]/i.test(text)) return { ...nothing, is: 'page' }
  if (text === 'ok') return { ...nothing, is: 'text', verdict: 'yes' }
  const fields = parseObject(text)
  if (fields !== undefined) return { is: 'json', fields, word: wordOf(fields['error']), verdict: verdictOf(fields) }
  // The body was cut off, and the rest may take back a yes: only a no counts.
  const start = fieldsAtStart(text)
  if (verdictOf(start) === 'no') return { is: 'json', fields: start, word: wordOf(start['error']), verdict: 'no' }
  // Some pages begin with text, such as a warning, before the first tag.
  if (/<(!doctype|html|head|title|body)\b/i.test(text)) return { ...nothing, is: 'page' }
  return { ...nothing, is: 'text', word: wordOf(text), verdict: beginsAsNo.test(text) ? 'no' : undefined }
}

/** The object in `text`, or the first of a list of objects. */
function parseObject(text: string): Record<string, unknown> | undefined {
  if (!/^[{[]/.test(text)) return undefined
  try {
    const [value] = [JSON.parse(text)].flat() as unknown[]
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

const fieldAtStart =
  /[{,]\s*"([^"\\]*)"\s*:\s*(?:(true|false|null|-?(?:0|[1-9]\d*))|"((?:[^"\\]|\\.)*)("?))\s*(?=[,}]|$)/y

/** The fields of a truncated object, up to the first that is not a text, number or constant. */
function fieldsAtStart(text: string): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  fieldAtStart.lastIndex = 0
  for (let found = fieldAtStart.exec(text); found !== null; found = fieldAtStart.exec(text)) {
    const [, name = '', constant, value = '', end] = found
    // A word that was cut off may look like another one, so it is marked.
    fields[name] = constant === undefined ? `${value}${end === '' ? '…' : ''}` : JSON.parse(constant)
  }
  return fields
}

function wordOf(value: unknown): string {
  return typeof value === 'string' && /^[a-z][a-z0-9_]{1,63}$/.test(value) ? value : ''
}

const noes = 'errors?|fail(ed|ure)?|invalid|unauthori[sz]ed|forbidden|denied|rejected|access denied|not found|false'
const isNo = new RegExp(`^(${noes})$`, 'i')
/** The words of proxies and gateways for their own errors, under whatever status. */
const ofGateways =
  'page not found|bad (request|gateway)|internal server error|service unavailable|gateway time-?out|request time-?out|too many requests|method not allowed|payload too large|no healthy upstream|upstream (connect|request)|rbac:|(user is )?not (authenticated|authori[sz]ed)'
const status = '(http/[\\d.]+ )?([45]\\d\\d[ :-]+)?'
const beginsAsNo = new RegExp(`^["'\\[]*${status}(${noes}|${ofGateways})(?![a-z])`, 'i')

/** Reads a yes or a no from the fields that gateways and bots put beside a 200. */
function verdictOf(fields: Record<string, unknown>): Said['verdict'] {
  const { ok, success, result, status, error, errors, errorMessage } = fields
  if ([ok, success].some((value) => value === false || value === 0 || isNo.test(String(value)))) return 'no'
  if (ok === true || success === true) return 'yes'
  if ([result, status].some((value) => isNo.test(String(value)))) return 'no'
  // AWS API Gateway has `message`, other AWS services have `Message`, FastAPI has `detail`.
  if ([fields['message'], fields['Message'], fields['detail']].some((value) => beginsAsNo.test(String(value))))
    return 'no'
  if ([status, fields['code'], fields['errcode'], fields['statusCode'], fields['status_code']].some(isErrorCode))
    return 'no'
  // `errorMessage` is that of a failed Lambda function, which answers 200 (docs.aws.amazon.com/lambda, Invoke).
  if ([error, errors, errorMessage].some(isSomething)) return 'no'
  // Zulip says `success`, or `partially_completed` if it ignored an unknown parameter.
  return result === 'success' || result === 'partially_completed' ? 'yes' : undefined
}

function isErrorCode(value: unknown): boolean {
  if (typeof value === 'string' && !/^\d{3}$/.test(value)) return false
  return (typeof value === 'number' || typeof value === 'string') && (Number(value) >= 400 || Number(value) < 0)
}

function isSomething(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}

/** Reports whether an error has the form of `receiver`'s own errors, and not of something in front of it. */
function isFrom(receiver: Receiver, { is, word, verdict, fields }: Said, status: number): boolean {
  switch (receiver) {
    case 'slack':
    case 'web-api':
    case 'workflow':
      // `forbidden` and `blocked` are words of gateways; Slack's words have two parts.
      return word.includes('_') || 'ok' in fields
    case 'mattermost':
      return 'status_code' in fields
    case 'rocketchat':
      return 'success' in fields
    case 'zulip':
      return 'result' in fields || 'ok' in fields
    case 'discord':
      // Without a code it is the {"message":"Forbidden"} of an API gateway.
      return 'message' in fields && 'code' in fields
    case 'other':
      // A receiver that calls the body bad has read it; anybody may have called the message forbidden or not found.
      return [400, 422].includes(status) && (verdict === 'no' || is === 'json' || is === 'text')
  }
}
