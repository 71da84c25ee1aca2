// Patroni: two PostgreSQL servers with a synchronous standby, managed by Patroni with etcd, behind HAProxy, as Debian packages
// them.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { notRoot } from '../test/fixtures/postgres.ts'
import { endWithUs, freePort } from '../test/fixtures/process.ts'

export type Server = 'a' | 'b'

export interface Cluster {
  /** Address through HAProxy, which leads to the primary. */
  proxied: string
  /** Address through HAProxy on `host`, where it listens as well. */
  proxiedAt(host: string): string
  /** Address that names both servers. */
  multiHost: string
  /** Resolves to the primary once there is one with a standby in sync; rejects after two minutes. */
  untilWhole(): Promise<Server>
  /** Sends `kill -9` to the primary and all its processes and, if its `machine` dies as well, to its Patroni. */
  killPrimary(primary: Server, machine: boolean): Promise<void>
  /** Starts the machine's Patroni again. */
  startAgain(server: Server): void
  stop(): Promise<void>
}

const password = 'a password for nothing but this proof'
const wholeMs = 120_000

/** Debian's folder of PostgreSQL programs, newest version. */
function postgresPrograms(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(root, version, 'bin')).find((folder) => existsSync(join(folder, 'pg_rewind')))
}

/** The missing packages. */
export function missingPackages(): string[] {
  const programs = { patroni: 'patroni', etcd: 'etcd-server', haproxy: 'haproxy' }
  const missing = Object.entries(programs).flatMap(([program, name]) => (find(program) === undefined ? [name] : []))
  return postgresPrograms() === undefined ? [...missing, 'postgresql'] : missing
}

/** HAProxy is in a folder that only root has on the PATH. */
function find(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin']
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

/** Starts the cluster in `folder`; HAProxy listens on `hosts`. Resolves once the cluster is whole. */
export async function startCluster(folder: string, hosts: readonly string[]): Promise<Cluster> {
  const bin = postgresPrograms() ?? ''
  mkdirSync(folder, { recursive: true })
  if (notRoot.uid !== undefined) chownSync(folder, notRoot.uid, notRoot.gid)
  const running = new Map<string, ChildProcess>()
  const [etcd, etcdPeer, proxy] = [await freePort(), await freePort(), await freePort()]
  const ports = {
    a: { database: await freePort(), api: await freePort() },
    b: { database: await freePort(), api: await freePort() }
  }
  const names = ['a', 'b'] as const

  function begin(name: string, program: string, args: readonly string[]): void {
    const log = openSync(join(folder, `${name}.log`), 'a')
    const child = spawn(find(program) ?? program, args, { ...notRoot, cwd: folder, stdio: ['ignore', log, log] })
    child.on('error', () => {})
    endWithUs(child)
    running.set(name, child)
  }

  async function end(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = running.get(name)
    running.delete(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const over = once(child, 'exit')
    child.kill(signal)
    await over
  }

  function write(name: string, text: string): string {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }

  const files = {
    a: write('a.yaml', patroniConfig({ ...ports.a, name: 'a', folder, bin, etcd })),
    b: write('b.yaml', patroniConfig({ ...ports.b, name: 'b', folder, bin, etcd }))
  }
  const etcdUrls = [`http://127.0.0.1:${etcd}`, `http://127.0.0.1:${etcdPeer}`] as const
  begin('etcd', 'etcd', [
    ...['--name', 'proof', '--data-dir', join(folder, 'etcd'), '--initial-cluster', `proof=${etcdUrls[1]}`],
    ...['--listen-client-urls', etcdUrls[0], '--advertise-client-urls', etcdUrls[0]],
    ...['--listen-peer-urls', etcdUrls[1], '--initial-advertise-peer-urls', etcdUrls[1]]
  ])
  for (const name of names) begin(name, 'patroni', [files[name]])
  begin('haproxy', 'haproxy', ['-f', write('haproxy.cfg', proxyConfig(hosts, proxy, ports))])

  const urlTo = (where: string) => `postgres://relay:${encodeURIComponent(password)}@${where}/postgres?sslmode=disable`

  interface Member {
    name: Server
    role: string
    state: string
  }

  async function members(): Promise<Member[]> {
    for (const name of names) {
      const answer = await fetch(`http://127.0.0.1:${ports[name].api}/cluster`, {
        signal: AbortSignal.timeout(2000)
      }).catch(() => undefined)
      if (answer?.ok) return ((await answer.json()) as { members: Member[] }).members
    }
    return []
  }

  const cluster: Cluster = {
    proxied: urlTo(`127.0.0.1:${proxy}`),
    proxiedAt: (host) => urlTo(`${host}:${proxy}`),
    multiHost: urlTo(names.map((name) => `127.0.0.1:${ports[name].database}`).join(',')),
    async untilWhole() {
      const deadline = performance.now() + wholeMs
      while (performance.now() < deadline) {
        const all = await members()
        const leader = all.find(({ role, state }) => role === 'leader' && state === 'running')
        const standby = all.find(({ role, state }) => role === 'sync_standby' && /running|streaming/.test(state))
        if (leader !== undefined && standby !== undefined) return leader.name
        await pause(200)
      }
      throw new Error(`the cluster was not whole after two minutes: ${JSON.stringify(await members())}`)
    },
    async killPrimary(primary, machine) {
      if (machine) await end(primary, 'SIGKILL')
      killServer(join(folder, `data-${primary}`))
    },
    startAgain(server) {
      if (!running.has(server)) begin(server, 'patroni', [files[server]])
    },
    async stop() {
      for (const name of names) await end(name, 'SIGTERM')
      for (const name of names) killServer(join(folder, `data-${name}`))
      for (const name of [...running.keys()]) await end(name, 'SIGKILL')
    }
  }
  try {
    await cluster.untilWhole()
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

/** Kills the server of this data folder with all its processes. */
function killServer(data: string): void {
  const file = join(data, 'postmaster.pid')
  if (!existsSync(file)) return
  const main = Number(readFileSync(file, 'utf8').split('\n')[0])
  const lines = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' }).stdout.split('\n')
  for (const line of lines) {
    const [pid = 0, parent, command = ''] = line.trim().split(/\s+/)
    // The pid may belong to another program by now.
    if ((Number(pid) !== main && Number(parent) !== main) || !command.startsWith('postgres')) continue
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }
}

interface Node {
  name: Server
  folder: string
  bin: string
  database: number
  api: number
  etcd: number
}

// JSON is valid YAML. Failover is as fast as Patroni allows: 20 s if a machine dies, at once if only the server does.
function patroniConfig({ name, folder, bin, database, api, etcd }: Node): string {
  const hosts = ['host all all 127.0.0.1/32 scram-sha-256', 'host replication all 127.0.0.1/32 scram-sha-256']
  return JSON.stringify({
    scope: 'proof',
    name,
    restapi: { listen: `127.0.0.1:${api}`, connect_address: `127.0.0.1:${api}` },
    etcd3: { hosts: `127.0.0.1:${etcd}` },
    bootstrap: {
      dcs: {
        ...{ ttl: 20, loop_wait: 1, retry_timeout: 3, primary_start_timeout: 0, synchronous_mode: true },
        postgresql: { use_pg_rewind: true, parameters: { max_connections: 200, wal_log_hints: 'on' } }
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C' }]
    },
    postgresql: {
      ...{ listen: `127.0.0.1:${database}`, connect_address: `127.0.0.1:${database}`, bin_dir: bin },
      ...{ data_dir: join(folder, `data-${name}`), pgpass: join(folder, `pgpass-${name}`), pg_hba: hosts },
      // The surplus of a machine that died may be discarded: nobody was told that it was committed.
      ...{ remove_data_directory_on_rewind_failure: true, remove_data_directory_on_diverged_timelines: true },
      authentication: {
        superuser: { username: 'relay', password },
        replication: { username: 'standby', password },
        rewind: { username: 'rewind', password }
      },
      parameters: { unix_socket_directories: '' }
    }
  })
}

function proxyConfig(hosts: readonly string[], port: number, ports: Record<Server, { database: number; api: number }>) {
  const servers = Object.entries(ports).map(
    ([name, { database, api }]) => `  server ${name} 127.0.0.1:${database} check port ${api}`
  )
  return `defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen relays
${hosts.map((host) => `  bind ${host}:${port}`).join('\n')}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
${servers.join('\n')}
`
}
