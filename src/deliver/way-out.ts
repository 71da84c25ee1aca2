// Way out: connects to Slack, through the proxy of the environment if there is one.
import { isIPv4 } from 'node:net'
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import { RelayError } from '../errors.ts'
import { isLoopback } from '../slack-api/app.ts'

/** The longest time to make a connection; also for a proxy to open the way, once it was reached. */
const connectMs = 10_000

export interface WayOut {
  /** The dispatcher for requests to `url`. */
  to(url: string): Dispatcher
  /** Cuts every connection. */
  close(): Promise<void>
}

/**
 * Honours HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and throws BAD_CONFIG if an address is malformed. Loopback addresses are reached
 * without a proxy: they may be plain http because nobody else reads it. Each request has a connection to itself. Over HTTP/2 all
 * requests would share one, which undici keeps using when nobody is at its other end any more, and half of an answer would count as all.
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
  if ([httpProxy, httpsProxy].some(isTlsByNumber)) {
    const most = 'most proxies are spoken to by http:// on the way to https:// as well, as in http://10.0.0.7:3128'
    throw new RelayError(
      'BAD_CONFIG',
      `HTTPS_PROXY or HTTP_PROXY is https:// and an IP address, where TLS needs a name; ${most}`
    )
  }
  try {
    return new EnvHttpProxyAgent({
      ...options,
      httpProxy,
      httpsProxy,
      noProxy: setting('no_proxy'),
      proxyTls: { allowH2: false },
      // A proxy may take a connection and never say whether it opens the way.
      clientFactory: (origin, own) => new Pool(origin, { ...own, headersTimeout: connectMs })
    })
  } catch {
    const form =
      'http://proxy.example:3128; characters such as @ : / # % in a password have to be percent-encoded, and an IPv6 ' +
      'address stands in brackets, as in http://[2001:db8::1]:3128'
    throw new RelayError('BAD_CONFIG', `HTTPS_PROXY or HTTP_PROXY is not of the form ${form}`)
  }
}

/** True for an https proxy at an IP address: undici gives that to Node as the certificate's name, Node refuses it, and no post works. */
function isTlsByNumber(proxy: string): boolean {
  const address = URL.parse(proxy)
  return address?.protocol === 'https:' && isIPv4(address.hostname)
}

/** The value of a variable. An empty one counts as not set, as compose files have it, and does not hide the one in capitals. */
function setting(name: string): string {
  return process.env[name] || process.env[name.toUpperCase()] || ''
}
