// Commands: defines the command line. Exit codes: 0 fine; 1 the answer is no; 2 wrong usage, or the command cannot run here.
import { Argument, Command, CommanderError, Option } from 'commander'
import about from '../package.json' with { type: 'json' }
import { limit, namespaceName, portNumber, webhookAddress } from './cli/arguments.ts'
import { addHelp } from './cli/help.ts'
import type { Transition } from './objects.ts'
import type { ActName } from './store/kept.ts'

// Written out, because loading what knows them would make every start slower.
const transitions: Transition[] = ['failed', 'changed', 'repeated', 'recovered', 'updated', 'informed', 'heartbeat']

const acts: ActName[] = ['acknowledge', 'unacknowledge', 'silence', 'extend', 'end', 'retry', 'discard', 'try']

/** The address of the relay that the command talks to, if it talks to one. */
let relayUrl: string | undefined

const program = new Command('flux-relay')
  .description('Receives Flux CD events, decides which matter to whom, and posts those to Slack, reliably')
  .version(about.version, '--version', 'print the version')
  .exitOverride()

program.commandsGroup('Run it:')

program
  .command('serve')
  .description('run the relay; settings come from the environment: CONFIG_FILE, DATABASE_URL, PORT, ADMIN_TOKEN …')
  .option('--example', 'use config.example.yaml if CONFIG_FILE is not set')
  .action(async (options) => (await import('./cli/serve.ts')).serve(options))

program
  .command('demo')
  .description('play a day of events to a relay of its own, and show its messages; needs nothing, leaves nothing')
  .option('--once', 'end after the day, instead of staying up for the dashboard')
  .option('--no-pause', 'do not wait for Enter where there is something to read')
  .addOption(
    new Option('--port <number>', 'port of the dashboard; another one if it is taken')
      .env('PORT')
      .default('8080')
      .argParser(portNumber)
  )
  .action(async (options) => (await import('./cli/demo.ts')).demo(options))

program.commandsGroup('Try a config file before the relay uses it:')

program
  .command('check')
  .description('list every fault of a config file')
  .argument('<config>', 'config file')
  .option('--drill', 'post a test message to each destination, and print the answers')
  .option('--json', 'print JSON')
  .action(async (config, options) => exit(await (await import('./cli/check.ts')).check(config, options)))

program
  .command('explain')
  .description('show what the relay would do with an event, and why: rule by rule, with the messages')
  .argument('<config>', 'config file')
  .argument('<event>', 'event file (JSON)')
  .option('--source <name>', 'source that the event arrives from; not needed where there is one')
  .addOption(
    new Option('--object-state <state>', 'the state of its object before the event')
      .choices(['unknown', 'healthy', 'failing'])
      .default('unknown')
  )
  .option('--link', "with each message's address in Slack's Block Kit Builder")
  .option('--json', 'print JSON')
  .action(async (config, event, options) => exit((await import('./cli/explain.ts')).explain(config, event, options)))

program
  .command('test')
  .description('run the tests in YAML files: does each event notify the right destinations?')
  .argument('<config>', 'config file')
  .argument('<tests...>', 'tests files')
  .option('--json', 'print JSON')
  .action(async (config, tests, options) => exit((await import('./cli/test.ts')).test(config, tests, options)))

program
  .command('template')
  .description('print the form that messages have by themselves as a template, to start from')
  .action(async () => (await import('./cli/template.ts')).template())

ofRelay(program.command('replay'))
  .description(
    'replay stored events through a new config and list what would change; exit 1 if a message would be lost'
  )
  .requiredOption('--config <file>', 'the new config file')
  .option('--old <file>', 'the config file to compare with, instead of what the relay sent at the time')
  .option('--since <duration>', 'how far back, such as 24h or 7d', '24h')
  .action(async (options) => exit(await (await import('./cli/replay.ts')).replay(options)))

program.commandsGroup('Set up and maintain:')

program
  .command('import')
  .description('turn Alerts, Providers and Secrets of Flux into a config, and list what cannot be carried over')
  .argument('<flux...>', 'manifests, directories of manifests, or - for standard input')
  .option(
    '-n, --namespace <name>',
    'namespace of the new Provider, and of manifests without one (default: flux-system)',
    namespaceName
  )
  .option('--flux', 'print the Provider and the Alert for Flux to post to the relay, instead of the config')
  .option('--relay <url>', 'where Flux finds the relay', webhookAddress, 'http://flux-relay.flux-system.svc/webhook')
  .option('--json', 'print JSON')
  .action(async (files, options) => exit(await (await import('./cli/import.ts')).importFiles(files, options)))

program
  .command('send')
  .description('post events to a relay as Flux would, from JSON files or directories of them')
  .argument('<url>', 'webhook of the relay, such as http://localhost:8080/webhook')
  .argument('<files...>', 'event files, or directories')
  // Not given as a default value, which --help would show.
  .addOption(new Option('--hmac-key <key>', 'sign as the generic-hmac Provider does').env('FLUX_HMAC_KEY'))
  .option('--token <token>', 'send this bearer token')
  .option('--now', 'replace the timestamps with the present time')
  .option('--json', 'print JSON')
  .action(async (url, files, options) => exit(await (await import('./cli/send.ts')).send(url, files, options)))

program
  .command('migrate')
  .description('move everything from an embedded database into an empty PostgreSQL; stop the relay first')
  .requiredOption('--from <url>', 'the embedded database, such as sqlite:data/relay.db')
  .addOption(
    new Option('--to <url>', 'the PostgreSQL, such as postgres://user:password@host/database')
      .env('DATABASE_URL')
      .makeOptionMandatory()
  )
  .action(async ({ from, to }) => exit(await (await import('./cli/database.ts')).migrate(from, to)))

program
  .command('verify')
  .description('check that the contents of a database fit together; only reads, while a relay may use it')
  .argument('<database>', 'as in DATABASE_URL: sqlite:data/relay.db or postgres://user:password@host/database')
  .option('--json', 'print JSON')
  .action(async (url, options) => exit(await (await import('./cli/database.ts')).verify(url, options)))

program
  .command('completion')
  .description('print what completes commands and options in a shell, such as: source <(flux-relay completion bash)')
  .addArgument(new Argument('<shell>', 'your shell').choices(['bash', 'zsh', 'fish']))
  .action(async (shell) => (await import('./cli/completion.ts')).completion(shell, program))

/** Adds the options of a command that talks to a running relay. */
function ofRelay(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'address of the relay').env('RELAY_URL').default('http://localhost:8080'))
    .addOption(new Option('--token <token>', 'ADMIN_TOKEN of the relay').env('ADMIN_TOKEN'))
    .option('--json', 'print JSON')
    .hook('preAction', () => {
      relayUrl = command.opts<{ url: string }>().url
    })
}

function ofNotifications(command: Command): Command {
  return ofObjects(ofRelay(command))
    .option('--destination <name>', 'only for this destination')
    .option('--rule <name>', 'only by this rule')
    .option('--since <time>', 'only newer than this, such as 24h or 2026-11-20T10:00:00Z')
}

function ofObjects(command: Command): Command {
  return command
    .option('--cluster <name>', 'only about objects in this cluster')
    .option('--kind <kind>', 'only about objects of this kind, such as HelmRelease')
    .option('--namespace <name>', 'only about objects in this namespace')
    .option('--name <name>', 'only about objects of this name')
}

program.commandsGroup('Talk to a running relay:')

ofRelay(program.command('status'))
  .description('show what fails and why, and what is wrong with the relay itself; exit 1 unless all is well')
  .option('-w, --watch', 'show it again every five seconds')
  .action(async (options) => exit(await (await import('./cli/status.ts')).status(options)))

ofObjects(ofRelay(program.command('objects')))
  .description('list what is known of Flux objects: failing ones first, since when and why')
  .addOption(new Option('--state <state>', 'only in this state').choices(['failing', 'stale', 'healthy']))
  .addOption(limit())
  .action(async (options) => exit(await (await import('./cli/objects.ts')).listObjects(options)))

ofObjects(ofRelay(program.command('events')))
  .description('list events, newest first, with who was notified')
  .option('--source <name>', 'only from this source')
  .option('--reason <reason>', 'only with this reason, such as UpgradeFailed')
  .addOption(new Option('--severity <severity>', 'only of this severity').choices(['info', 'warn', 'error']))
  .addOption(new Option('--transition <name>', 'only those that did this to their object').choices(transitions))
  .option('--destination <name>', 'only those that notified this destination')
  .option('--rule <name>', 'only those that this rule notified of')
  .option('--search <words>', 'as in the search box of the dashboard, such as a revision')
  .option('--since <time>', 'only newer than this, such as 24h or 2026-11-20T10:00:00Z')
  .option('--until <time>', 'only older than this')
  .addOption(limit())
  .action(async (options) => exit(await (await import('./cli/events.ts')).listEvents(options)))

ofRelay(program.command('why'))
  .description('say who was notified of an event and who was not, and why; exit 1 if nobody was')
  .argument(
    '<event>',
    'its id, as `events` lists it, or an object as namespace/name or "HelmRelease prod/apps/web", for its newest event'
  )
  .action(async (event: string, options) => exit(await (await import('./cli/why.ts')).why(event, options)))

ofRelay(program.command('ack'))
  .description('acknowledge an incident: no reminders and no pings until it is over')
  .argument(
    '<object>',
    'what fails, as namespace/name, cluster/namespace/name or "HelmRelease prod/apps/web", or the id of an event about it'
  )
  .option('--undo', 'take the acknowledgement back: reminders go on')
  .action(async (object: string, options) => exit(await (await import('./cli/ack.ts')).ack(object, options)))

ofRelay(program.command('acts'))
  .description('list what operators did, newest first: who, when, and through what')
  .addOption(new Option('--did <act>', 'only this').choices(acts))
  .option('--name <name>', 'only by whom')
  .addOption(new Option('--via <way>', 'only through this').choices(['page', 'api', 'cli', 'slack']))
  .option('--since <time>', 'only newer than this, such as 24h or 2026-11-20T10:00:00Z')
  .addOption(limit())
  .action(async (options) => exit(await (await import('./cli/acts.ts')).listActs(options)))

ofRelay(program.command('sources'))
  .description('list sources, the last event of each, and refused requests')
  .action(async (options) => exit(await (await import('./cli/sources.ts')).listSources(options)))

ofNotifications(program.command('notifications'))
  .description('list notifications, newest first: pending, sent, muted, dead or discarded')
  .addOption(
    new Option('--state <state>', 'only in this state').choices(['pending', 'sent', 'muted', 'dead', 'discarded'])
  )
  .addOption(limit())
  .action(async (options) => exit(await (await import('./cli/notifications.ts')).list(options)))

ofNotifications(program.command('retry'))
  .description('send dead letters again')
  .argument('[ids...]', 'ids of dead letters, as `notifications --state dead` lists them')
  .option('--all', 'all dead letters that match')
  .action(async (ids: string[], options, command: Command) => {
    if (ids.length > 0 === (options.all === true)) command.error('error: give the ids of dead letters, or --all')
    exit(await (await import('./cli/notifications.ts')).retry(ids, options))
  })

ofNotifications(program.command('discard'))
  .description('discard dead letters: they are not sent again')
  .argument('[ids...]', 'ids of dead letters, as `notifications --state dead` lists them')
  .option('--all', 'all dead letters that match, after a question')
  .option('--yes', 'without the question')
  .action(async (ids: string[], options, command: Command) => {
    if (ids.length > 0 === (options.all === true)) command.error('error: give the ids of dead letters, or --all')
    exit(await (await import('./cli/notifications.ts')).discard(ids, options))
  })

ofRelay(program.command('lanes'))
  .description('list the queue of each channel: what waits, since when, and what blocks it')
  .action(async (options) => exit(await (await import('./cli/lanes.ts')).listLanes(options)))

ofRelay(program.command('unblock'))
  .description('try a waiting or blocked destination now; the rate limits of Slack still apply')
  .argument('<destination>', 'a destination, or a lane, as `lanes` lists them')
  .action(async (name: string, options) => exit(await (await import('./cli/unblock.ts')).unblock(name, options)))

const silence = program.command('silence').description('withhold notifications for a while')

ofRelay(silence.command('add'))
  .description('withhold what matches; one message sums it up at the end')
  .requiredOption(
    '--match <key=value...>',
    'what to withhold, such as namespace=db,kind=HelmRelease or name=web,api: all keys must match, each by any of its values (also: cluster, reason, severity, source, message, action, related.name, metadata.team, when; write a comma in a value as \\,)'
  )
  .option('--for <duration>', 'how long, such as 30m or 2h')
  .option('--until <time>', 'end at this time instead, such as 2036-12-01T06:00:00Z')
  .option('--until-recovered', 'end when nothing that it matches fails any more')
  .option('--starts <time>', 'begin later: at a time, or in so long, such as 2h')
  .option('--comment <text>', 'the reason, shown with the silence and in its summary')
  .action(async (options) => exit(await (await import('./cli/silence.ts')).addSilence(options)))

ofRelay(silence.command('list'))
  .description('list the silences in effect, and those that begin later')
  .action(async (options) => exit(await (await import('./cli/silence.ts')).listSilences(options)))

ofRelay(silence.command('expire'))
  .description('end silences now; one message sums up what each withheld')
  .argument('<ids...>', 'ids, as `silence list` shows them')
  .action(async (ids, options) => exit(await (await import('./cli/silence.ts')).expireSilences(ids, options)))

addHelp(program)

/** Why the output could not be written as a whole; empty if it was. */
let unwritten = ''

function exit(code: number): void {
  process.exitCode = code
}

process.stdout.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
  // Whoever reads a pipe may have read enough (`… | head`), and a relay goes on when its log is lost.
  if (code === 'EPIPE' || program.args[0] === 'serve') return
  if (unwritten === '') process.stderr.write(`the output could not be written: ${code}\n`)
  unwritten = code
})
// Half a config is worse than none, and somebody who asked for it with `>` has no other sign.
process.on('exit', () => {
  if (unwritten !== '') process.exitCode = 2
})
process.stderr.on('error', () => {})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    await (await import('./cli/fault.ts')).sayFault(error, relayUrl)
    process.exit(2)
  }
}
