// Secrets of the environment: finds them in the environment as it is written. The schema that reads it is not used, because a command
// would take longer to load it than to do its work.
import { percentDecoded } from './percent.ts'
/** The secrets of the environment: no output may contain them. */
export function secretsIn(environment: Record<string, string | undefined>): string[] {
  const { ADMIN_TOKEN = '', DATABASE_URL = '', PGPASSWORD = '' } = environment
  const { OTEL_EXPORTER_OTLP_ENDPOINT = '', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = '' } = environment
  const collectors = [OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT]
  const addresses = [DATABASE_URL, ...collectors, ...proxiesIn(environment)]
  const written = [...addresses.flatMap(passwordsIn), ...headersIn(environment)]
  return [ADMIN_TOKEN, PGPASSWORD, ...written, ...written.map(percentDecoded)].filter((secret) => secret !== '')
}

/** A header with a token for the collector of traces, `authorization=Bearer%20…`. Others may name a tenant, which any line may have. */
const confidential = /[^,=]*(?:auth|cookie|key|pass|secret|token)[^,=]*=([^,]*)/gi

function headersIn(environment: Record<string, string | undefined>): string[] {
  const named = Object.entries(environment).filter(([name]) => /^OTEL_EXPORTER_OTLP_(TRACES_)?HEADERS$/.test(name))
  const values = named.flatMap(([, text = '']) => [...text.matchAll(confidential)].map(([, value = '']) => value))
  // The word before a token, as in `Bearer …`, is no secret.
  return values.flatMap((value) => percentDecoded(value).trim().split(/\s+/).at(-1) ?? [])
}

/** The addresses of proxies, or what stands in their place. */
export function proxiesIn(environment: Record<string, string | undefined>): string[] {
  const named = Object.entries(environment).filter(([name]) => /^https?_proxy$/i.test(name))
  return named.map(([, address = '']) => address).filter((address) => address !== '')
}

/** The passwords in `address`, which may be none: `user:password@`, `?password=`, or ` password=` as psql has it. */
function passwordsIn(address: string): string[] {
  // A colon before `//` ends a scheme, and not a user name, which may have an @ in it.
  const [, password = ''] = /^(?:[a-z]+:\/\/)?[^:/]*:(?!\/\/)(.*)@/is.exec(address) ?? []
  const asked = [...address.matchAll(/[?&:\s](?:ssl)?password=([^&#\s]*)/gi)]
  return [password, ...asked.map(([, value = '']) => value)]
}
