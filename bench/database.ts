// Bench database: measures the CPU time of a PostgreSQL server, and counts what it is asked over a connection.
import { readdirSync, readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { Client } from 'pg'

/** Unit of the CPU times in /proc. */
const ticksPerSecond = 100

/** Returns a function for the CPU seconds used so far by all processes of the server behind `url`, ended ones included. */
export async function openDatabaseClock(url: string): Promise<() => number> {
  const client = new Client(url)
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const server = statOf(`${rows[0]?.pid}`)?.parent ?? ''
  await client.end()
  return () => {
    const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    const own = all.filter((pid) => pid === server || statOf(pid)?.parent === server)
    return own.reduce((sum, pid) => sum + processSeconds(pid), 0)
  }
}

/** User and system time of a process and of its ended children, in seconds. */
export function processSeconds(pid: string): number {
  return statOf(pid)?.seconds ?? 0
}

/** Fields 4, and 14 to 17, of proc_pid_stat(5); undefined if the process has ended. */
function statOf(pid: string): { parent: string; seconds: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return { parent: fields[1] ?? '', seconds: ticks / ticksPerSecond }
  } catch {
    return undefined
  }
}

export interface Asked {
  /** Statements sent for execution, `begin` and `commit` included. */
  statements: number
  /** Times that the client had to wait for an answer. */
  roundTrips: number
}

/** Opens a proxy to the server behind `url` that counts what it is asked. */
export async function listenIn(url: string): Promise<{ url: string; asked: Asked; close(): void }> {
  const { hostname, port } = new URL(url)
  const asked: Asked = { statements: 0, roundTrips: 0 }
  const sockets = new Set<Socket>()
  const server = createServer((from) => {
    const to = connect(Number(port), hostname)
    let isAnswered = true
    let rest = Buffer.alloc(0)
    /** The first message of a connection has no type byte. */
    let begun = false
    from.on('data', (chunk: Buffer) => {
      if (isAnswered) asked.roundTrips += 1
      isAnswered = false
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const head = begun ? 1 : 0
        if (rest.length < head + 4 || rest.length < head + rest.readUInt32BE(head)) break
        // Query and Execute.
        if (begun && (rest[0] === 0x51 || rest[0] === 0x45)) asked.statements += 1
        rest = rest.subarray(head + rest.readUInt32BE(head))
        begun = true
      }
      to.write(chunk)
    })
    to.on('data', (chunk) => {
      isAnswered = true
      from.write(chunk)
    })
    for (const socket of [from, to]) {
      sockets.add(socket.setNoDelay().on('error', () => {}))
      socket.on('close', () => {
        from.destroy()
        to.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const through = Object.assign(new URL(url), { port: `${(server.address() as { port: number }).port}` })
  return {
    url: through.href,
    asked,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}
