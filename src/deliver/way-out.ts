// Way out: leads to Slack, by the proxy of the environment where there is one.
import { isIPv4 } from 'node:net'
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import { RelayError } from '../errors.ts'
import { isLoopback } from '../slack-api/app.ts'

/** How long a connection may take to be made; a proxy as well, once it was reached. */
const connectMs = 10_000

export interface WayOut {
  /** Takes requests to `url`. */
  to(url: string): Dispatcher
  /** Cuts every connection. */
  close(): Promise<void>
}

/**
 * Honours HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and throws BAD_CONFIG if an address is malformed. What is for this machine goes to it:
 * it may be plain because nobody else reads it. Each request has a connection to itself: over HTTP/2 all share one, which undici
 * goes on with where nobody is at its other end any more, and half of an answer is taken for all of it.
 */
export function createWayOut(options: Agent.Options = {}): WayOut {
  const shared = { ...options, allowH2: false, connect: { timeout: connectMs } }
  const direct = new Agent(shared)
  const outside = createProxied(shared)
  return {
    to: (url) => (isLoopback(url) ? direct : outside),
    close: async () => {
      await Promise.all([direct.destroy(), outside.destroy()])
    }
  }
}

function createProxied(options: Agent.Options): Dispatcher {
  const [httpProxy, httpsProxy] = [setting('http_proxy'), setting('https_proxy')]
  // undici asks for the certificate of that address by a name, which Node refuses: no message would ever get through.
  if (isTlsByAddress(httpsProxy || httpProxy))
    throw new RelayError(
      'BAD_CONFIG',
      'HTTPS_PROXY or HTTP_PROXY begins with https:// and has an IP address: write the name of the proxy'
    )
  try {
    return new EnvHttpProxyAgent({
      ...options,
      httpProxy,
      httpsProxy,
      noProxy: setting('no_proxy'),
      proxyTls: { allowH2: false },
      // For the connections to a proxy: it may take one and never say whether it opens the way.
      clientFactory: (origin, own) => new Pool(origin, { ...own, headersTimeout: connectMs })
    })
  } catch {
    const form =
      'http://proxy.example:3128; characters such as @ : / # % in a password have to be percent-encoded, and an IPv6 ' +
      'address stands in brackets, as in http://[2001:db8::1]:3128'
    throw new RelayError('BAD_CONFIG', `HTTPS_PROXY or HTTP_PROXY is not of the form ${form}`)
  }
}

function isTlsByAddress(proxy: string): boolean {
  const { protocol, hostname = '' } = URL.parse(proxy) ?? {}
  return protocol === 'https:' && isIPv4(hostname)
}

/** An empty one is not set, as compose files have it, and does not hide what is spelt in capitals. */
function setting(name: string): string {
  return process.env[name] || process.env[name.toUpperCase()] || ''
}
