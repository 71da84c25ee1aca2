// Named: finds the object that a link of an error chain names.

const object = /^([A-Z]\w{1,62}) (?:([a-z0-9][a-z0-9-]{0,62})\/)?([a-z0-9][\w.:-]{0,252})$/
/**
 * Words that look like an object but are none: field errors of Kubernetes (`Required value`, `Too long`) and words of sentences.
 */
const words =
  /^(?:Required|Invalid|Too|Unsupported|Duplicate|Internal|Not|No|Unable|Failed|Cannot|Could|Error|The|This|An?|Get|Post|Put|Unknown|Bad|Service (?:unavailable)|Access|Connection|Request|Resource|Unexpected|Missing|Client|Server)$| (?:value|error|errors|found|failed|required|denied|timeout|time-out|unavailable|exceeded|ready|long)$/

/** Returns the object that `link` consists of, `Deployment web` or `Deployment apps/web`; undefined if it is anything else. */
export function objectIn(link: string): { kind: string; namespace: string; name: string } | undefined {
  const [, kind = '', namespace = '', name = ''] = object.exec(link) ?? []
  return kind === '' || words.test(kind) || words.test(link) ? undefined : { kind, namespace, name }
}

export function isObject(link: string): boolean {
  return objectIn(link) !== undefined
}
