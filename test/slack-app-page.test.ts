// docs/slack-app.md and the manifest of the app: lead to a first message as they say.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { parse } from 'yaml'
import { loadConfig } from '../src/config/config.ts'
import { formatProblem } from '../src/config/problem.ts'
import { meanings } from '../src/slack-api/words.ts'
import { tempFolder } from './fixtures/relay.ts'
import { appToken, botToken, startSlackApi } from './fixtures/slack-api.ts'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs', 'slack-app.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => block)
const manifest = parse(readFileSync(join(root, 'deploy', 'slack', 'app-manifest.yaml'), 'utf8'))
const [, bot = ''] = /^\/invite @(\S+)$/m.exec(page) ?? []

t.test('the configs of the page are valid', async (t) => {
  const restFor = (app: string | undefined) => ({
    destinations: { local: { slack: { app, channel: 'C0123ABCD' } } },
    rules: []
  })
  const environment = { SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken, FLUX_HMAC_KEY: 'k' }
  t.equal(blocks('yaml').length, 4)
  for (const block of blocks('yaml')) {
    const isWhole = block.includes('destinations:')
    const part = parse(block)
    const config = isWhole ? block : JSON.stringify({ ...restFor(Object.keys(part.slackApps)[0]), ...part })
    const { problems } = loadConfig(config, 'page', environment)
    const said = problems.filter(({ isWarning }) => isWhole || !isWarning)
    t.strictSame(said.map(formatProblem), [], block)
  }
})

t.test('the manifest makes an app that can post, and nothing else', async (t) => {
  // raw.githubusercontent.com/slackapi/manifest-schema: the keys, and the maximum lengths of texts.
  t.same(Object.keys(manifest), ['display_information', 'features', 'oauth_config', 'settings'])
  t.ok(manifest.display_information.name.length <= 35)
  t.ok(manifest.display_information.description.length <= 140)
  t.match(manifest.display_information.background_color, /^#[0-9a-f]{6}$/)
  t.same(manifest.oauth_config, { scopes: { bot: ['chat:write'] } })
  t.same(manifest.settings, {
    org_deploy_enabled: false,
    interactivity: { is_enabled: false },
    socket_mode_enabled: false,
    token_rotation_enabled: false
  })
  t.equal(manifest.features.bot_user.display_name, bot, 'people invite it by the name that the page has')
})

t.test('the steps of the page end as it shows', async (t) => {
  const api = await startSlackApi({
    apps: { [botToken]: { name: bot, userId: 'U0FLUX', scopes: manifest.oauth_config.scopes.bot } },
    channels: [
      { id: 'C0123ABCD', name: 'platform', members: ['U0FLUX'] },
      { id: 'C0456EFGH', name: 'team-a' }
    ]
  })
  t.teardown(() => api.close())
  const file = join(tempFolder(t), 'my.yaml')
  const [config = ''] = blocks('yaml')
  writeFileSync(file, config.replace('"${SLACK_BOT_TOKEN}"', `"\${SLACK_BOT_TOKEN}", apiUrl: "${api.apiUrl}"`))
  const env = { PATH: process.env['PATH'], SLACK_BOT_TOKEN: botToken, FLUX_HMAC_KEY: 'k' }
  const child = spawn(process.execPath, [join(root, 'src', 'main.js'), 'check', file, '--drill'], { env })
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
  const [, shown] = blocks('text')
  t.equal(out.replaceAll(file, 'my.yaml'), shown)
  t.equal(api.seen('platform').length, 1)
})

t.test('every error in the table of the page means what the table says', async (t) => {
  const scopes = { 'this channel': 'channel', 'all channels of the app': 'token', 'this message': 'message' }
  const rows = [...page.matchAll(/^\| (`.*?) \| (this channel|all channels of the app|this message) \|/gm)]
  t.ok(rows.length > 6)
  for (const [, words = '', about = ''] of rows) {
    for (const [, word = ''] of words.matchAll(/`([a-z_]+)…?`/g))
      t.equal(meanings.get(word)?.scope, scopes[about as keyof typeof scopes], word)
  }
})
