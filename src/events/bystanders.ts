// Bystanders: takes out of a text the object at which an outage was met. If a webhook or the API server does not answer, the error
// names whatever came first, which is another object for each Kustomization and release.

/** The object as kustomize-controller names it, `Deployment/shop/cart dry-run failed (InternalError): `, or as Helm does. */
const met = String.raw`(?:[A-Z]\w{1,62}\/\S{1,320} (?:dry-run|apply) failed(?: \(\w{1,40}\)|(?:, reason: \w{1,40})?, error)?: |server-side apply failed for object \S{1,320} \S{1,253}, Kind=\w{1,63}: |failed to create resource: |cannot patch "[^"]{1,253}" with kind \w{1,63}: )`

/** Errors of a server that does not answer, or answers every request alike. */
const outage = `(?:Internal error occurred: (?:failed calling webhook |etcdserver: )|etcdserver: (?!request is too large)|the server is currently unable to handle the request|(?:Get|Post|Put|Patch|Delete) "https?:|rpc error: code = Unavailable|Timeout: request did not complete|Unauthorized$|http2: |dial tcp )`

const bystander = new RegExp(`(?<=^|: | && )${met}(?=${outage})`, 'g')
/** The path of an object at the API server, another one for every object. */
const address = /(?<=\b(?:Get|Post|Put|Patch|Delete) "https?:\/\/[^\s"/]{1,253}\/)apis?\/[^\s"]{1,1000}(?=": )/g

/** Every text with an outage contains one of these: looking for them costs less than the pattern. */
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

/** Returns `text` without bystanders; an outage that Helm met at several objects is said once. */
export function withoutBystanders(text: string): string {
  if (!signs.some((sign) => text.includes(sign))) return text
  let rest = text.includes(' "http') ? text.replace(address, '…') : text
  if (/ failed|cannot patch/.test(rest)) rest = rest.replace(bystander, '')
  if (rest === text || !rest.includes(' && ')) return rest
  const [first = '', ...others] = rest.split(' && ')
  return [first, ...new Set(others.filter((other) => !first.endsWith(other)))].join(' && ')
}
