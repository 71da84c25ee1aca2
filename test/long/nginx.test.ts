// nginx as a proxy on the relay's machine: ADMIN_OPEN_TO=loopback refuses everybody who comes through it, if that can be
// detected, and Flux's events pass. It cannot be detected if nginx speaks HTTP/1.1, adds no header and asks for 127.0.0.1:
// SECURITY.md says so.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { freePort } from '../fixtures/process.ts'
import { about, type Relay, startRelay, tempFolder } from '../fixtures/relay.ts'

const { stderr: version } = await promisify(execFile)('nginx', ['-v']).catch(() => ({ stderr: '' }))
const skip = version === '' && 'there is no nginx here'

/** What people write, from nothing at all to what guides recommend. The last one can only be recognised by the site's name. */
const locations = {
  'a plain proxy_pass': '',
  'HTTP/1.1 with the usual headers': `
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;`,
  'HTTP/1.1 with the name that was asked for': `
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;`
}

/** Starts nginx in front of the relay; resolves to its port once it answers. */
async function startNginx(t: Test, relay: Relay, location: string): Promise<number> {
  const folder = tempFolder(t)
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  for (const name of temporary) mkdirSync(join(folder, name))
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_max_body_size 4m;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${relay.url};${location}
    }
  }
}
`
  )
  const nginx = spawn('nginx', ['-p', folder, '-e', join(folder, 'error.log'), '-c', file], { stdio: 'inherit' })
  const ended = once(nginx, 'exit')
  t.teardown(async () => {
    nginx.kill()
    await ended
  })
  for (let tries = 0; tries < 200; tries++) {
    const { status } = await ask(port, '/healthz').catch(() => ({ status: 0 }))
    if (status === 200) return port
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('nginx did not answer within five seconds')
}

/** Sends a GET, or posts `json`, as a remote client does: by the name of the site. */
async function ask(port: number, path: string, json?: string): Promise<{ status: number; body: string }> {
  const headers = { host: 'relay.example', ...(json !== undefined && { 'content-type': 'application/json' }) }
  const method = json === undefined ? 'GET' : 'POST'
  const asking = request({ host: '127.0.0.1', port, path, method, headers, agent: false }).end(json)
  const [response] = await once(asking, 'response')
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  return { status: response.statusCode, body }
}

for (const [what, location] of Object.entries(locations)) {
  t.test(
    `behind nginx with ${what}, a client that uses the site's name may not administer, and events pass`,
    { skip },
    async (t) => {
      const relay = await startRelay(t)
      t.equal((await relay.get('/api/events')).status, 200, 'who is on this machine may')
      const port = await startNginx(t, relay, location)
      for (const path of ['/', '/events', '/rules', '/api/events', '/api/lanes', '/api/openapi.json']) {
        const { status, body } = await ask(port, path)
        t.ok(status === 401 || status === 403, `${path}: ${status}`)
        t.match(body, /ADMIN_TOKEN/, `${path} says what to do`)
      }
      t.equal((await ask(port, '/api/silences', '{}')).status, 403)

      const event = JSON.stringify(about('shop', { message: `build failed: ${'x'.repeat(500_000)}` }))
      t.equal((await ask(port, '/webhook/', event)).status, 202)
      await relay.slack.until(({ accepted }) => accepted.length === 1)
      t.match(await ask(port, '/webhook/nobody', event), { status: 404, body: /UNKNOWN_SOURCE/ }, 'a refusal arrives')
    }
  )
}
