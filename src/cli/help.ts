// Help: shows what each command does, and where to look if it was called wrongly.
import type { AddHelpTextContext, Command } from 'commander'

/** Adds the command `help` to `program`, which has all other commands by then. */
export function addHelp(program: Command): void {
  program
    .addHelpText('after', '\nNew here? Start with `demo`. docs/README.md has a page for each question.')
    .addHelpText('beforeAll', refuseStrangers)
    // Commander's own help command knows only one level of commands.
    .helpCommand(false)
    .command('help')
    .helpGroup('Commands:')
    .description('show what a command does, and its options')
    .argument('[command...]', 'such as check, or silence add')
    .action((names: string[]) => void program.parse([...names, '--help'], { from: 'user' }))
  leadToHelp(program, program.name())
}

/** Refuses an unknown command: otherwise, asking for help with it would show the help of all, as if nothing were wrong. */
function refuseStrangers({ command }: AddHelpTextContext): string {
  const [first = '', second] = command.args
  const name = first === 'help' ? second : first
  if (command.commands.length > 0 && name && !name.startsWith('-')) command.parse([name], { from: 'user' })
  return ''
}

function leadToHelp(command: Command, call: string): void {
  const { commands } = command
  command.showHelpAfterError(
    commands.length > 0 ? '(--help lists the commands)' : `(${call} --help lists what it takes)`
  )
  for (const below of commands) leadToHelp(below, `${call} ${below.name()}`)
}
