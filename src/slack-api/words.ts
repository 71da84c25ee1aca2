// Words of Slack's Web API: knows what each of its errors is about, and what an operator should do. Pure.
// docs.slack.dev/reference/methods/chat.postMessage lists most of them; some are only seen in reports.

/** `gone`: nothing gets through until somebody acts. `refused`: only this message does not. */
export type WordKind = 'gone' | 'refused' | 'rate limit' | 'transient'

/** What a word is about: every channel of a `token`, one `channel`, or one `message`. */
export type Scope = 'token' | 'channel' | 'message'

export interface Meaning {
  kind: WordKind
  scope: Scope
  /** What to do next; empty if there is nothing to do. `app` is the name by which people invite it, if that is known. */
  advice: (app: string | undefined) => string
}

const said = (text: string) => () => text

function invite(app: string | undefined): string {
  return app === undefined ? '/invite @… (the name of the app)' : `/invite @${app}`
}

const reinstall =
  'install the app again (https://api.slack.com/apps, Install App), put its Bot User OAuth Token into the config'
const askAdmin = 'ask an administrator of the workspace'

/**
 * A word that may be about the token or the channel stands at `channel`: then each channel asks for itself, which costs a request. The
 * other way round, channels that are well would wait for one that is not.
 */
const aboutToken: Record<string, string> = {
  access_denied: `Slack does not let the app post: ${askAdmin}`,
  accesslimited: `Slack takes nothing from the network that the relay is in: ${askAdmin} to allow its address`,
  account_inactive: `the app, or its workspace, was removed: ${reinstall}`,
  enterprise_is_restricted: `the token is of a whole organisation, which may not post: ${reinstall} of one workspace`,
  invalid_auth:
    'Slack does not know this token, or not from this address: copy the Bot User OAuth Token (xoxb-…) again, from OAuth & Permissions of the app at https://api.slack.com/apps',
  missing_scope:
    'the app may not post: add the scope chat:write under OAuth & Permissions at https://api.slack.com/apps, then install the app again',
  not_allowed_token_type: 'this is not a bot token: take the Bot User OAuth Token, which begins with xoxb-',
  not_authed:
    'the token did not reach Slack: is there a proxy or a gateway that takes the header Authorization out, or is `apiUrl` wrong?',
  org_login_required: 'the workspace is being moved to an organisation; that takes a while, and nothing has to be done',
  token_expired:
    'the token is over, because token rotation is on for the app, which the relay cannot do: make another app without it, and use its token',
  token_revoked: `the token was revoked, or the app removed: ${reinstall}`,
  two_factor_setup_required: `the workspace asks for a second factor first: ${askAdmin}`,
  unknown_method: '`apiUrl` is not the address of the Web API, which ends in /api'
}

const restricted = 'the channel does not take posts of apps: change who may post in its settings, or take another one'

const aboutChannel: Record<string, string | Meaning['advice']> = {
  channel_not_found: (app) =>
    `there is no such channel, or it is private and the app is not in it: take the ID, which stands at the end of "View channel details", and write in the channel: ${invite(app)}`,
  channel_type_not_supported: restricted,
  ekm_access_denied: `administrators have suspended posting: ${askAdmin}`,
  is_archived: 'the channel is archived: restore it, or name another one',
  is_inactive: 'the channel is frozen, archived or deleted: restore it, or name another one',
  messages_tab_disabled: 'that is the conversation with the app itself, and it is switched off: name a channel',
  no_permission: (app) => `the app is not in the channel: invite it, by writing in the channel: ${invite(app)}`,
  not_in_channel: (app) => `invite the app to the channel, by writing in it: ${invite(app)}`,
  restricted_action: restricted,
  restricted_action_read_only_channel: restricted,
  restricted_action_thread_only_channel: restricted,
  team_access_not_granted: `the app is not installed in the workspace of this channel: ${askAdmin}`,
  team_not_found: `the workspace of this channel is not there any more: name another channel`
}

/**
 * Answers of chat.update: the message was deleted, is too old for the workspace, or is not the app's.
 * docs.slack.dev/reference/methods/chat.update
 */
export const deletedWord = 'message_not_found'
export const lostWords = [deletedWord, 'edit_window_closed', 'cant_update_message']

/** Answers to a reply whose thread is gone. */
export const threadWords = ['cannot_reply_to_message', 'thread_not_found']

/** Answers to a reply in a place that takes messages but no replies: the thread is locked, or the channel has no threads. */
export const closedWords = ['restricted_action_thread_locked', 'restricted_action_non_threadable_channel']

const aboutMessage = [
  ...lostWords,
  ...threadWords,
  ...closedWords,
  ...['attachment_payload_limit_exceeded', 'block_mismatch', 'invalid_arguments'],
  ...['invalid_attachments', 'invalid_blocks', 'invalid_blocks_format', 'invalid_metadata_format'],
  ...['invalid_metadata_schema', 'markdown_text_conflict', 'metadata_must_be_sent_from_app', 'metadata_too_large'],
  ...['msg_blocks_too_long', 'msg_too_long', 'no_text', 'too_many_attachments']
]

const tooFast = ['message_limit_exceeded', 'rate_limited', 'ratelimited']

const passing = [
  ...['external_channel_migrating', 'fatal_error', 'internal_error', 'messaging_processing_failed'],
  ...['request_timeout', 'service_unavailable', 'team_added_to_org', 'update_failed']
]

const entries: [string, Meaning][] = [
  ...Object.entries(aboutToken).map(([word, advice]): [string, Meaning] => [
    word,
    { kind: 'gone', scope: 'token', advice: said(advice) }
  ]),
  ...Object.entries(aboutChannel).map(([word, advice]): [string, Meaning] => [
    word,
    { kind: 'gone', scope: 'channel', advice: typeof advice === 'string' ? said(advice) : advice }
  ]),
  ...aboutMessage.map((word): [string, Meaning] => [word, { kind: 'refused', scope: 'message', advice: said('') }]),
  ...tooFast.map((word): [string, Meaning] => [word, { kind: 'rate limit', scope: 'token', advice: said('') }]),
  ...passing.map((word): [string, Meaning] => [word, { kind: 'transient', scope: 'channel', advice: said('') }])
]

/** Meanings by the word itself. A word that is not here may be about anything. */
export const meanings: ReadonlyMap<string, Meaning> = new Map(entries)

/** What to do about a lane that is blocked for `reason`, such as `200 not_in_channel`; empty if the word says no more. */
export function adviceOnBlock(reason: string): string {
  return meaningOf(reason)?.advice(undefined) ?? ''
}

/** Reports whether a lane that is blocked for `reason` waits for somebody to mend its token, or its channel. */
export function isAbout(scope: 'token' | 'channel', reason: string): boolean {
  const meaning = meaningOf(reason)
  return meaning?.kind === 'gone' && meaning.scope === scope
}

function meaningOf(reason: string): Meaning | undefined {
  return meanings.get(/^\d{3} (\w+)$/.exec(reason)?.[1] ?? '')
}

const anotherToken =
  'make another app-level token with the scope connections:write, under Basic Information of the app at https://api.slack.com/apps'

/** Words that only another app-level token helps against. Others may apply to every token of the relay, or to its network. */
const tokenIsOver = ['account_inactive', 'invalid_auth', 'token_expired', 'token_revoked']

/**
 * What to do if Slack answers `word` to apps.connections.open; empty if that passes by itself.
 * docs.slack.dev/reference/methods/apps.connections.open
 */
export function adviceOnSocket(word: string): string {
  if (isPassing(word)) return ''
  if (word === 'missing_scope') return `the app-level token lacks the scope connections:write: ${anotherToken}`
  if (word === 'not_allowed_token_type')
    return 'this is not an app-level token: `appToken` takes the one that begins with xapp-'
  if (tokenIsOver.includes(word)) return anotherToken
  return adviceOnToken(word) ?? 'is Socket Mode on for the app at https://api.slack.com/apps?'
}

/**
 * What to do if Slack answers `word` to usergroups.users.list for `group`; empty if that passes by itself.
 * docs.slack.dev/reference/methods/usergroups.users.list
 */
export function adviceOnGroup(word: string, group: string): string {
  if (isPassing(word)) return ''
  if (word === 'missing_scope')
    return 'the app may not see user groups: add the scope usergroups:read under OAuth & Permissions at https://api.slack.com/apps, then install the app again'
  return adviceOnToken(word) ?? `is ${group} the ID of a user group?`
}

function adviceOnToken(word: string): string | undefined {
  return Object.hasOwn(aboutToken, word) ? aboutToken[word] : undefined
}

function isPassing(word: string): boolean {
  const kind = meanings.get(word)?.kind
  return kind === 'transient' || kind === 'rate limit'
}
