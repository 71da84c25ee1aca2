// Servers: find the one among a database's servers that takes writes now.
import { Client, type ClientBase, type ClientConfig } from 'pg'

/** The addresses of the servers in `postgres://user:password@a:5432,b:5432/database`, a form that libpq takes, too. */
export function addressesIn(url: string): string[] {
  const [, before = '', hosts = '', rest = ''] = /^([a-z]+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/is.exec(url) ?? []
  const urls = hosts.includes(',') ? hosts.split(',').map((host) => `${before}${host}${rest}`) : [url]
  return urls.map(strict)
}

/**
 * Replaces these modes by `verify-full`, which the driver takes them for, with a warning on standard error; its next version would verify
 * less (pg-connection-string, README, "TLS"). Whoever wants that writes `uselibpqcompat`.
 */
function strict(url: string): string {
  if (/[?&]uselibpqcompat=true/.test(url)) return url
  return url.replaceAll(/([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|$)/g, '$1verify-full')
}

// The server is a standby, or was set to read-only: its clients have to go elsewhere.
const readOnly = '25006'

export class Servers {
  /** The address of all servers, as it was given. */
  readonly url: string
  /** Makes clients for the server that is current by then. */
  readonly Client: new (
    config?: ClientConfig
  ) => Client
  readonly #addresses: readonly string[]
  readonly #of = new WeakMap<ClientBase, string>()
  #at = 0

  constructor(url: string) {
    this.url = url
    this.#addresses = addressesIn(url)
    this.Client = this.#createClients()
  }

  /** Tries `attempt` up to once for each server, as long as each failure leads to another server. */
  async each<T>(attempt: () => Promise<T>): Promise<T> {
    for (let left = this.#addresses.length; ; left--) {
      const before = this.#address
      try {
        return await attempt()
      } catch (error) {
        if (left <= 1 || before === this.#address) throw error
      }
    }
  }

  /** Connects to the server that takes writes. */
  connect(config: ClientConfig): Promise<Client> {
    return this.each(async () => {
      const client = new this.Client(config)
      // Without a listener, a connection that breaks while nobody waits for it ends the process.
      client.on('error', () => {})
      await client.connect().catch((error: unknown) => {
        // A server that asks for a password that is missing waits for it for a minute.
        client.end().catch(() => {})
        throw error
      })
      await this.admit(client)
      return client
    })
  }

  /** Ends the connection and throws if its server takes no writes. */
  async admit(client: ClientBase): Promise<void> {
    const { rows } = await client.query<{ transaction_read_only: string }>('show transaction_read_only')
    if (rows[0]?.transaction_read_only !== 'on') return
    this.#leave(client)
    throw new Error('the server takes no writes; it is a standby, or default_transaction_read_only is on')
  }

  /** The server that took writes when last asked; at first, the first one. */
  get #address(): string {
    return this.#addresses[this.#at] ?? this.url
  }

  /** Goes on to the next server, unless somebody has already left the server of `client`. */
  #passOver(client: ClientBase): void {
    if (this.#of.get(client) === this.#address) this.#at = (this.#at + 1) % this.#addresses.length
  }

  #leave(client: ClientBase): void {
    this.#passOver(client)
    // The pool drops the ended connection, and whoever is using it gets an error.
    void (client as Client).end().catch(() => {})
  }

  #createClients(): new (config?: ClientConfig) => Client {
    const servers = this
    return class extends Client {
      constructor(config: ClientConfig = {}) {
        const address = servers.#address
        super({ ...config, connectionString: address })
        servers.#of.set(this, address)
        const failed = () => servers.#passOver(this)
        this.connection.once('error', failed).once('end', failed)
        this.connection.once('readyForQuery', () => this.connection.off('error', failed).off('end', failed))
        this.connection.on('errorMessage', ({ code }: { code?: string }) => {
          if (code === readOnly) servers.#leave(this)
        })
      }
    }
  }
}
