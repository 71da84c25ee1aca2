// Secrets of the environment: finds them as it is written, without the schema that reads it, which a command takes longer to load
// than to do what it is for.
/** The secrets of the environment: no output may contain them. */
export function secretsIn(environment: Record<string, string | undefined>): string[] {
  const { ADMIN_TOKEN = '', DATABASE_URL = '', PGPASSWORD = '' } = environment
  const { OTEL_EXPORTER_OTLP_ENDPOINT = '', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = '' } = environment
  const collectors = [OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT]
  const addresses = [DATABASE_URL, ...collectors, ...proxiesIn(environment)]
  const written = [...addresses.flatMap(passwordsIn), ...headersIn(environment)]
  return [ADMIN_TOKEN, PGPASSWORD, ...written, ...written.map(decoded)].filter((secret) => secret !== '')
}

/** The header with a token for the collector of traces, `authorization=Bearer%20…`; another may name a tenant, as any line may. */
const confidential = /[^,=]*(?:auth|cookie|key|pass|secret|token)[^,=]*=([^,]*)/gi

function headersIn(environment: Record<string, string | undefined>): string[] {
  const named = Object.entries(environment).filter(([name]) => /^OTEL_EXPORTER_OTLP_(TRACES_)?HEADERS$/.test(name))
  const values = named.flatMap(([, text = '']) => [...text.matchAll(confidential)].map(([, value = '']) => value))
  // Of `Bearer …` the word is no secret.
  return values.flatMap((value) => decoded(value).trim().split(/\s+/).at(-1) ?? [])
}

/** Addresses of proxies, or what stands in their place. */
export function proxiesIn(environment: Record<string, string | undefined>): string[] {
  const named = Object.entries(environment).filter(([name]) => /^https?_proxy$/i.test(name))
  return named.map(([, address = '']) => address).filter((address) => address !== '')
}

/** `user:password@`, in an address that may be none, and `?password=`, or ` password=` as psql has it, which is no address. */
function passwordsIn(address: string): string[] {
  // Of a scheme what follows is an address; a user may have an @.
  const [, password = ''] = /^(?:[a-z]+:\/\/)?[^:/]*:(?!\/\/)(.*)@/is.exec(address) ?? []
  const asked = [...address.matchAll(/[?&:\s](?:ssl)?password=([^&#\s]*)/gi)]
  return [password, ...asked.map(([, value = '']) => value)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
