// Images: read which image the automation moved from which tag to which, and which tag is the latest.

export interface ImageUpdate {
  /** Name without registry and path: `podinfo`. Empty if the message names only tags. */
  name: string
  /** Empty if it is not known. */
  from: string
  to: string
}

/** Further images are only counted. */
const maxImages = 20

// image-automation-controller internal/source: `pushed commit '3ebb95c' to branch 'main'`, with the commit message below it.
const pushed = /^(?:committed and )?pushed (?:commit )?'?([\da-f]{7,64})'? to (?:branch )?'?([^'\s]{1,253}?)'?(?:\s|$)/i
const arrow = /^[\s│*•-]{0,20}`?'?([\w./:@+-]{1,512})`?'? (?:->|→|=>) `?'?([\w./:@+-]{1,512})`?'?$/
const bullet =
  /^\s{0,20}[-*] `?((?:[\w.-]{1,253}(?::\d{1,5})?\/)?[\w./-]{1,253}:[\w][\w.-]{0,127}(?:@sha256:[\da-f]{64})?)`?(?: \([^()]{0,200}\))?$/

/** A push: where it went, the first line of the commit, and the images that it changed. */
export interface Push {
  commit: string
  branch: string
  subject: string
  images: ImageUpdate[]
}

/** Reads the push that `text` reports; undefined if it is about something else. */
export function pushIn(text: string): Push | undefined {
  const found = pushed.exec(text)
  if (found === null) return undefined
  const [, commit = '', branch = ''] = found
  const lines = text.split('\n').slice(1, 2000)
  const updates = lines.flatMap((line) => updateIn(line.slice(0, 1100)))
  const images = updates.length > 0 ? updates : lines.flatMap((line) => imageIn(line.slice(0, 1100)))
  const subject = lines.find((line) => line.trim() !== '')?.trim() ?? ''
  const isTemplate = /^(?:Automation name|Automated image update\b|Files|Objects|Images|Changes)\b/i.test(subject)
  return { commit: commit.slice(0, 7), branch, subject: isTemplate ? '' : subject, images: distinct(images) }
}

function updateIn(line: string): ImageUpdate[] {
  const [, from, to] = arrow.exec(line) ?? []
  return from === undefined || to === undefined ? [] : [updateOf(from, to)]
}

function imageIn(line: string): ImageUpdate[] {
  const image = bullet.exec(line)?.[1]
  return image === undefined ? [] : [updateOf('', image)]
}

/** Reads an update from two images, such as `ghcr.io/acme/web:2.4.0`, or from two tags alone. */
export function updateOf(from: string, to: string): ImageUpdate {
  const [old, next] = [partsOf(from), partsOf(to)]
  // The image itself changed and not the tag, so its whole name is shown.
  if (old.path !== '' && next.path !== '' && old.path !== next.path && old.tag === next.tag) {
    return { name: next.name, from: old.path, to: next.path }
  }
  return { name: next.name || old.name, from: old.tag, to: next.tag }
}

function partsOf(image: string): { path: string; name: string; tag: string } {
  const [named = '', digest] = image.split('@', 2)
  const slash = named.lastIndexOf('/')
  const colon = named.indexOf(':', slash + 1)
  const isTagOnly = slash < 0 && colon < 0
  const path = isTagOnly ? '' : colon < 0 ? named : named.slice(0, colon)
  const tag = isTagOnly ? named : colon < 0 ? '' : named.slice(colon + 1)
  const short = digest === undefined ? '' : digest.replace(/^sha256:/, '').slice(0, 7)
  return { path, name: path.slice(path.lastIndexOf('/') + 1), tag: tag || short }
}

function distinct(images: readonly ImageUpdate[]): ImageUpdate[] {
  return [...new Map(images.map((image) => [sayImage(image), image])).values()]
}

/** Describes an update: `podinfo 5.0.0 → 5.0.3` */
export function sayImage({ name, from, to }: ImageUpdate): string {
  return [name, from === '' ? to : `${from} → ${to}`].filter(Boolean).join(' ')
}

/** Describes a push, in at most `max` characters if possible. */
export function sayPush({ commit, branch, subject, images }: Push, max: number): string {
  const where = `pushed to ${branch} (${commit})`
  if (images.length === 0) return subject === '' ? where : `${where}: ${subject}`
  let text = ''
  let named = 0
  for (const image of images.slice(0, maxImages)) {
    const next = [text, sayImage(image)].filter(Boolean).join(', ')
    if (named > 0 && `${next} and 99 more ${where}`.length > max) break
    text = next
    named++
  }
  return `${text}${named < images.length ? ` and ${images.length - named} more` : ''} ${where}`
}

// image-reflector-controller: `Latest image tag for ghcr.io/acme/web resolved to 2.4.1 (previously ghcr.io/acme/web:2.4.0)`
const latest =
  /^Latest image tag for '?([^\s']{1,512})'? (?:updated|resolved) (?:from (\S{1,512}) )?to '?([^\s']{1,512}?)'?(?: \(previously '?([^\s')]{1,512})'?\))?(?:$|[\s;])/

/** Reads which tag a policy found to be the latest; undefined if `text` is about something else. */
export function latestIn(text: string): ImageUpdate | undefined {
  const found = latest.exec(text)
  if (found === null) return undefined
  const [, image = '', from = '', to = '', previously = from] = found
  return { ...updateOf(previously, to), name: partsOf(`${image}:x`).name }
}
