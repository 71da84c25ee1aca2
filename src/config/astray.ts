// Secrets astray: finds secrets among names, texts and links, which pages, messages and metrics show to everybody.
import type { Fault } from '../errors.ts'
import { pieceLength } from '../secrecy.ts'

type Path = Fault['path']

/** The paths at which secrets belong. */
const places = [
  ['sources', '*', 'hmacKeys'],
  ['sources', '*', 'tokens'],
  ['destinations', '*', 'slack', 'webhookUrl'],
  ['slackApps', '*', 'token'],
  ['slackApps', '*', 'appToken']
]

/** Texts that can only be secrets: incoming webhooks of Slack and Discord, and Slack's tokens. */
const unmistakable =
  /https:\/\/(hooks\.slack(-gov)?\.com\/(services|workflows|triggers)|([a-z]+\.)?discord(app)?\.com\/api\/webhooks)\/.|\b(xox[a-z]|xapp)-\d[\w.-]{8}/i

/** Sections whose references are filled in. Elsewhere, they stay as they are written. */
const filled = new Set<string | number | undefined>(['cluster', 'sources', 'destinations', 'slackApps'])

/**
 * Finds each text or key of the file that looks like a secret, or contains one of `secrets`. `fill` fills in the references of a
 * text.
 */
export function astrayFaults(value: unknown, secrets: readonly string[], fill: (text: string) => string): Fault[] {
  const known = secrets.map((secret) => secret.trim()).filter((secret) => secret.length >= pieceLength)
  // Grouped by how they begin: to compare each text with each secret would take a hundred million steps in the file of a fleet.
  const byBeginning = Map.groupBy(known, (secret) => secret.slice(0, pieceLength))
  const isKnownAt = (text: string, at: number) =>
    byBeginning.get(text.slice(at, at + pieceLength))?.some((secret) => text.startsWith(secret, at)) ?? false

  function isSecret(text: string): boolean {
    if (unmistakable.test(text)) return true
    for (let at = 0; at + pieceLength <= text.length; at++) if (isKnownAt(text, at)) return true
    return false
  }

  const message =
    'this looks like a secret, which pages, messages and metrics would show; it belongs under `sources`, `slackApps` or `destinations`'

  function look(value: unknown, path: Path): Fault[] {
    if (places.some((place) => place.every((key, at) => key === '*' || key === path[at]))) return []
    if (typeof value === 'string') return isSecret(filled.has(path[0]) ? fill(value) : value) ? [{ path, message }] : []
    if (typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([key, inner]) => {
      const at = [...path, Array.isArray(value) ? Number(key) : key]
      return isSecret(key) ? [{ path: at, message }] : look(inner, at)
    })
  }

  return look(value, [])
}
