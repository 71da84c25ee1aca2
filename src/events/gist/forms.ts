// Forms: shorten the links of an error chain step by step, if there is no room for all of them.
import { appliedKinds } from '../vocabulary.ts'
import { isVague } from './error-words.ts'
import { objectIn } from './named.ts'
import { inFewestWords } from './wording.ts'

/** `upgrade to ledger 3.14.1` */
const action = /^(upgrade|install|rollback|uninstall|test)\b.{0,300}$/

/** Links that matter less than another: who denied a request, than why; where a service is, than which; a value, than its fault. */
const lesser =
  /^denied by \S+$|^\[?[\d.:a-f]{3,60}\]?:\d{1,5}$|^[Ff]orbidden$|^[a-z ]{3,40} is (?:invalid|not valid)$|^\d{1,30}$|^"[^"]{0,60}"$/

/** `spec.template`, `.metadata.annotations`, `.Values.image` */
export const field = /^(?:…?\.?(?:spec|status|metadata|data|stringData)\b|\.[A-Za-z])[\w.[\]"'=$/:-]{0,200}$/
const webhook = /^webhook \S+$/
const label = /^(?:(?:Required|Unsupported|Duplicate|Invalid) value|Too (?:long|many)|Not found)$/

/** The links in one form, and what the form loses, on the scale on which a cause that is read is worth 2 and a name 1.2. */
export interface Form {
  links: readonly string[]
  cost: number
}

/**
 * Returns `links` and ever shorter forms, in which links are dropped that others imply; `bare` is the shortest form with all names.
 */
export function formsOf(links: readonly string[]): { forms: Form[]; bare: readonly string[] } {
  const pathless = links.map((link, at) => (at > 0 && at < links.length - 1 ? withShortPath(link) : link))
  const short = pathless.map((link) => inFewestWords(withoutNamespace(link)))
  const brief = short.map((link, at) => (at === 0 ? link.replace(action, '$1') : link))
  const bare = brief.filter((link, at) => at === brief.length - 1 || !lesser.test(link)).map(firstSentence)
  const named = bare.flatMap((link, at) => {
    const { kind = '', name = '' } = objectIn(link) ?? {}
    const others = bare.toSpliced(at, 1)
    if (kind === '' || !others.some((other) => other.includes(kind))) return [link]
    return others.some((other) => other.includes(name)) ? [] : [name]
  })
  const placeless = bare.flatMap((link, at) => {
    if (at === 0 || at === bare.length - 1) return [link]
    if (webhook.test(link) && !isVague(bare[at + 1] ?? '')) return []
    if (!field.test(link)) return [link]
    // "Required value" says nothing without the end of its path.
    return label.test(bare[at + 1] ?? '') ? [`…${link.slice(link.lastIndexOf('.'))}`] : []
  })
  const nameless = placeless.map(withoutKind)
  const forms = [
    { links, cost: 0 },
    { links: pathless, cost: 0.01 },
    { links: short, cost: 0.02 },
    { links: brief, cost: 0.04 },
    { links: bare, cost: 0.08 },
    { links: named, cost: 0.12 },
    { links: placeless, cost: 0.15 },
    { links: nameless, cost: 0.35 }
  ]
  // A form that is no shorter than the one before is left out.
  const distinct = forms.filter(({ links }, at) => at === 0 || links.join(': ') !== forms[at - 1]?.links.join(': '))
  return { forms: distinct, bare }
}

/** Keeps the name alone only of a certain object: a noun and a verb of another language look like a kind and a name. */
function withoutKind(link: string): string {
  const { kind = '', name = link } = objectIn(link) ?? {}
  return appliedKinds.has(kind) || /[a-z][A-Z]/.test(kind) || /[^a-z]/.test(name) ? name : link
}

/** Shortens a long path to a field to its last two steps. */
function withShortPath(link: string): string {
  if (link.length < 32 || !field.test(link)) return link
  return `…${/\.[^.]{1,100}\.[^.]{1,100}$/.exec(link)?.[0] ?? link}`
}

function withoutNamespace(link: string): string {
  const found = objectIn(link)
  return found === undefined ? link : `${found.kind} ${found.name}`
}

function firstSentence(link: string): string {
  const end = link.slice(12).search(/\. [A-Z]/)
  return end < 0 ? link : link.slice(0, end + 12)
}
