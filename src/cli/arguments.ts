// Arguments: checks the values of options; wrong ones are refused with commander's InvalidArgumentError.
import { InvalidArgumentError, Option } from 'commander'

/** The option `--limit` of a list. */
export function limit(): Option {
  return new Option('--limit <number>', 'list at most this many').default('50').argParser(positive)
}

function positive(text: string): string {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return text
  throw new InvalidArgumentError('It should be a number from 1 to 999999.')
}

/** Takes the name of a Kubernetes namespace. */
export function namespaceName(text: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text
  throw new InvalidArgumentError('A namespace is small letters, digits and -, such as flux-system.')
}

/** Takes the `address` of a Provider: http or https, because the API server refuses others, and not /, where the relay takes no events. */
export function webhookAddress(text: string): string {
  const { protocol = '', pathname = '/' } = URL.parse(text) ?? {}
  if (/^https?:$/.test(protocol) && pathname !== '/') return text
  throw new InvalidArgumentError('It should be of the form http://flux-relay.flux-system.svc/webhook.')
}

/** Takes 0 to 65535. */
export function portNumber(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return text
  throw new InvalidArgumentError('It should be a number from 0 to 65535.')
}
