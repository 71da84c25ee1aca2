// Bystanders: takes out of a text the object at which an outage was met. Where a webhook or the API server does not answer, it
// is whatever comes first, another one for each Kustomization and release.

/** `Deployment/shop/cart dry-run failed (InternalError): `, and what Helm says in its place. */
const met = String.raw`(?:[A-Z]\w{1,62}\/\S{1,320} (?:dry-run|apply) failed(?: \(\w{1,40}\)|(?:, reason: \w{1,40})?, error)?: |server-side apply failed for object \S{1,320} \S{1,253}, Kind=\w{1,63}: |failed to create resource: |cannot patch "[^"]{1,253}" with kind \w{1,63}: )`

/** What does not answer, or answers so to everything that it is asked. */
const outage = `(?:Internal error occurred: (?:failed calling webhook |etcdserver: )|etcdserver: (?!request is too large)|the server is currently unable to handle the request|(?:Get|Post|Put|Patch|Delete) "https?:|rpc error: code = Unavailable|Timeout: request did not complete|Unauthorized$|http2: |dial tcp )`

const bystander = new RegExp(`(?<=^|: | && )${met}(?=${outage})`, 'g')
/** Every object has an address of its own at the API server. */
const address = /(?<=\b(?:Get|Post|Put|Patch|Delete) "https?:\/\/[^\s"/]{1,253}\/)apis?\/[^\s"]{1,1000}(?=": )/g

/** One of these is in each text that has an outage: looking for them costs less than the pattern. */
const signs = [
  'failed calling webhook ',
  'etcdserver: ',
  ' "http',
  'currently unable',
  'dial tcp ',
  'http2: ',
  'Una',
  'Timeout: request'
]

/** `text` without them; each outage that Helm met at several objects is said once. */
export function withoutBystanders(text: string): string {
  if (!signs.some((sign) => text.includes(sign))) return text
  let rest = text.includes(' "http') ? text.replace(address, '…') : text
  if (/ failed|cannot patch/.test(rest)) rest = rest.replace(bystander, '')
  if (rest === text || !rest.includes(' && ')) return rest
  const [first = '', ...others] = rest.split(' && ')
  return [first, ...new Set(others.filter((other) => !first.endsWith(other)))].join(' && ')
}
