// Secrets that are written out in a config file are not repeated where its lines are shown.
import { type Document, isMap, isScalar, visit } from 'yaml'

/** Where in the file secrets stand. */
const places = [
  ['sources', '*', 'hmacKeys'],
  ['sources', '*', 'tokens'],
  ['destinations', '*', 'slack', 'webhookUrl']
]

// Also where it stands under a wrong key: whoever has such a URL can post.
const webhookUrl = /(https?:\/\/[^\s"'/]+\/(?:services|workflows|triggers)\/)([^\s"',}\]]+)/g

/** `text` with every secret replaced by as many asterisks, so that columns stay what they are. */
export function maskSecrets(text: string, document: Document): string {
  let masked = text.replace(webhookUrl, (_, start: string, key: string) => start + '*'.repeat(key.length))
  for (const [start, end] of places.flatMap((place) => rangesAt(document.contents, place))) {
    const secret = masked.slice(start, end)
    if (!secret.includes('${')) masked = masked.slice(0, start) + secret.replace(/[^\s"']/g, '*') + masked.slice(end)
  }
  return masked
}

/** Whether what stands at `path` is a secret, or a reference to one. */
export function isSecret(path: readonly (string | number)[]): boolean {
  return places.some((place) => place.every((key, at) => key === '*' || key === path[at]))
}

function rangesAt(node: unknown, [key, ...rest]: string[]): (readonly [start: number, end: number])[] {
  if (key === undefined) return scalarsIn(node)
  if (!isMap(node)) return []
  const pairs = node.items.filter((pair) => key === '*' || (isScalar(pair.key) && pair.key.value === key))
  return pairs.flatMap(({ value }) => rangesAt(value, rest))
}

function scalarsIn(node: unknown): (readonly [start: number, end: number])[] {
  const ranges: (readonly [number, number])[] = []
  visit(node as Parameters<typeof visit>[0], {
    Scalar: (_, { range }) => {
      if (range) ranges.push([range[0], range[1]])
    }
  })
  return ranges
}
