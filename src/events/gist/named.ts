// Named: finds the object that a part of an error is about.

const object = /^([A-Z]\w{1,62}) (?:([a-z0-9][a-z0-9-]{0,62})\/)?([a-z0-9][\w.:-]{0,252})$/
/** `Required value`, `Too long`: field errors of Kubernetes and words of sentences, which look like one. */
const words =
  /^(?:Required|Invalid|Too|Unsupported|Duplicate|Internal|Not|No|Unable|Failed|Cannot|Could|Error|The|This|An?|Get|Post|Put|Unknown|Bad|Service (?:unavailable)|Access|Connection|Request|Resource|Unexpected|Missing|Client|Server)$| (?:value|error|errors|found|failed|required|denied|timeout|time-out|unavailable|exceeded|ready|long)$/

/** The object that `link` is, `Deployment web` or `Deployment apps/web`; undefined where it is anything else. */
export function objectIn(link: string): { kind: string; namespace: string; name: string } | undefined {
  const [, kind = '', namespace = '', name = ''] = object.exec(link) ?? []
  return kind === '' || words.test(kind) || words.test(link) ? undefined : { kind, namespace, name }
}

export function isObject(link: string): boolean {
  return objectIn(link) !== undefined
}
