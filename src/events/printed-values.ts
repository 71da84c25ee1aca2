// Printed values: takes out of a text the values that programs print beside the name of a secret: variables of containers, refused
// fields, plans of terraform, commands, addresses that cannot be parsed.

/** A value in quotes, as Go, JSON and YAML print it, or without quotes. An empty value does not count. */
const value = String.raw`(?:\\"[^"\\\n]{1,2000}(?=\\")|"(?:[^"\\\n]|\\.){1,4000}(?=")|'[^'\n]{1,2000}(?=')|[^\s"'\\,;{}\]]{1,400})`
/** An optional quote. The one before a value is kept. */
const quotes = String.raw`(?:\\"|["'])?`

/** The end of the name of a secret: DB_PASSWORD, rootPassword, SECRET_KEY_BASE, but not PASSWORD_FILE. */
const nameOfSecret = String.raw`(?:pass(?:word|wd|phrase)?|pwd|token|secret|(?:key|salt)(?:[-_]base)?|credentials?|dsn)(?:[-_]?\d{1,2})?`

/**
 * A container's variable: `Name:"DB_PASSWORD", Value:"…"`, as validations print the whole of a field that cannot change, and as in
 * JSON and YAML.
 */
const variable = new RegExp(
  String.raw`(\bname${quotes}\s{0,2}:\s{0,2}${quotes}(?:[\w.-]{0,100}[a-z\d._-])?${nameOfSecret}${quotes}[,\s]{1,40}${quotes}value${quotes}\s{0,2}:\s{0,2})(?!null\b)(${value})`,
  'gi'
)

const password = `(?:pass(?:word|wd|phrase)|(?:api|access|secret|private)[-_]?key|client[-_]?secret|token)`

/** `spec.database.password: Invalid value: "…": must be at least 12 characters long` */
const refused = new RegExp(
  String.raw`((${password})["'\]]{0,2}: (?:Invalid|Unsupported|Duplicate) value: ")((?:[^"\\\n]|\\.){1,2000})(?=")`,
  'gi'
)
/** From a schema of values: `at '/auth/password': '…' does not match pattern '^.{12,}$'` */
const mismatched = new RegExp(
  String.raw`(\/[\w.-]{0,100}?${password}': ')(?:[^'\\\n]|\\.){1,2000}(?=' (?:does not match pattern|is not valid)\b)`,
  'gi'
)
/**
 * From structured-merge-diff: `.stringData.pin: expected string, got &value.valueUnstructured{Value:…}`, of a Secret whatever its key
 * is called. What is no string may have several lines.
 */
const untyped = String.raw`: expected [\w ()]{1,40}, got &)(?:(?!\n\s{0,8}\.[a-z]|\n[A-Z]\w{0,62}\/)[\s\S])+`
const ofSecret = new RegExp(String.raw`(\.(?:data|stringData)(?:[.[][^\s:]{1,300})?${untyped}`, 'g')
const ofName = new RegExp(String.raw`((?:${password}["'\]]{0,2}|${nameOfSecret}"\]\.value)${untyped}`, 'gi')
/** The value of a Secret that is set at a path: Helm takes what follows a comma in it for the next key. */
const takenForKey =
  /(\bSecret (?:chart values reference )?'[^'\n]{1,320}'[^\n]{0,1000}?: key (?:map )?")(?:[^"\\\n]|\\.){1,2000}(?=" has no value)/g
/** From terraform: `var.db_password is "…"` */
const evaluated = new RegExp(
  String.raw`(\b(?:var|local|each|self|data|module)\.[\w.[\]"-]{0,100}?${password} is ")(?:[^"\\\n]|\\.){1,2000}(?=")`,
  'gi'
)
/** From a plan: `password = "…" -> "…"`. Other patterns have taken out the first value before. */
const planned = new RegExp(
  String.raw`((?:= ?"?…"?|${password}"? {0,20}= null) -> ")(?:[^"\\\n]|\\.){1,2000}(?=")`,
  'gi'
)

/** The text around a fault that a parser of JSON shows; it may span lines. If a Secret was parsed, it is a part of that. */
const surroundings = /((?:\bbyte of|\bbigger context) \.\.\.\|)[\s\S]{0,400}?(?=\|\.\.\.)/g

/** `curl -u name:…`, but not the numbers of users and groups. */
const login = /( (?:-u|-U|--user|--proxy-user)[ =]{1,2}["']?[\w.$@+-]{1,64}:)(?!\d{1,6}(?:[\s"']|$))[^\s"']{1,200}/g
const ofClient =
  /(\b(?:mysql\w{0,10}|mariadb\w{0,10}|sshpass|login)\b[^\n|;]{0,200}? -p ?["']?)(?!\d{1,5}\b)[^\s"']{1,200}/g
const ofRedis = /(\bredis-cli\b[^\n|;]{0,200}? -a ?["']?)[^\s"']{1,200}/g

/** net/url quotes an address that it cannot parse, most often because its password has a character that no address may have. */
const unparsed = /(\bparse \\?"[a-z][\w+.-]{0,20}:\/\/)(?:[^"\\\n]|\\.(?!\/)){1,1000}@/gi
const port = /(\binvalid port \\?":)[^"\n]{1,400}(?=" after host)/g

/**
 * Returns `text` without the secrets in addresses that cannot be parsed. Call it before other addresses are looked for, because
 * those patterns end earlier.
 */
export function withoutUnparsed(text: string): string {
  if (!text.includes('parse ')) return text
  const rest = text.replace(unparsed, '$1…@')
  return rest === text ? text : rest.replace(port, '$1…')
}

/** Returns `text` without the values printed beside names of secrets; `lower` is the whole message in lower case. */
export function withoutPrinted(text: string, lower: string): string {
  let rest = text
  if (lower.includes('value') && lower.includes('name')) rest = rest.replace(variable, withoutValue)
  if (text.includes(' value: "')) rest = rest.replace(refused, withoutRefused)
  if (text.includes(', got &')) {
    rest = rest.replace(ofName, '$1…')
    if (text.includes('Kind=Secret')) rest = rest.replace(ofSecret, '$1…')
  }
  if (text.includes("': '")) rest = rest.replace(mismatched, '$1…')
  if (text.includes('" has no value')) rest = rest.replace(takenForKey, '$1…')
  if (text.includes(' is "')) rest = rest.replace(evaluated, '$1…')
  if (text.includes(' -> "')) rest = rest.replace(planned, '$1…')
  if (text.includes('...|')) rest = rest.replace(surroundings, '$1…')
  if (text.includes('curl ')) rest = rest.replace(login, '$1…')
  if (text.includes(' -p')) rest = rest.replace(ofClient, '$1…')
  if (text.includes('redis-cli')) rest = rest.replace(ofRedis, '$1…')
  return rest
}

function withoutValue(_: string, before: string, value: string): string {
  return `${before}${/^(?:\\"|["'])/.exec(value)?.[0] ?? ''}…`
}

/** Keeps a value that ends like its field: a field for the name of a Secret may hold such a name. */
function withoutRefused(all: string, before: string, name: string, value: string): string {
  return value.endsWith(`-${name}`) ? all : `${before}…`
}
