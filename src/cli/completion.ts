// `completion`: prints a script that completes commands, options and their choices in a shell.
import type { Command, Option } from 'commander'
import { quoted } from '../import/shell.ts'

type Shell = 'bash' | 'zsh' | 'fish'

/** A command by its words, such as `silence add`; the program itself has none. */
interface Entry {
  words: string
  commands: { name: string; about: string }[]
  options: { flags: string[]; about: string; choices: readonly string[]; takesValue: boolean }[]
  /** The values that its argument may have. */
  choices: readonly string[]
}

/** Prints the script for `shell`. */
export function completion(shell: Shell, program: Command): void {
  process.stdout.write(scripts[shell](program.name(), entriesOf(program, '')))
}

const scripts: Record<Shell, (name: string, entries: readonly Entry[]) => string> = { bash, zsh, fish }

function entriesOf(command: Command, words: string): Entry[] {
  const help = command.createHelp()
  const visible = help.visibleCommands(command).filter((each) => each.name() !== 'help')
  return [
    {
      words,
      commands: visible.map((each) => ({ name: each.name(), about: firstClause(each.description()) })),
      options: help.visibleOptions(command).map(optionOf),
      choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])
    },
    ...visible.flatMap((each) => entriesOf(each, `${words} ${each.name()}`.trim()))
  ]
}

function optionOf({ short, long, description, argChoices, required, optional }: Option): Entry['options'][number] {
  return {
    flags: [short, long].filter((flag) => flag !== undefined),
    about: firstClause(description),
    choices: argChoices ?? [],
    takesValue: required || optional
  }
}

/** The first clause, for a line of a menu. A comma does not end it: little would be left of "turn Alerts, Providers and Secrets …". */
function firstClause(text: string): string {
  return text.split(/[;:(]/, 1)[0]?.trim() ?? ''
}

/** Completes what may stand after the words of an entry, or as the value of an option; files if nothing is known. */
function bash(name: string, entries: readonly Entry[]): string {
  const cases = entries.map(({ words, commands, options, choices }) => {
    const flags = options.flatMap(({ flags }) => flags)
    const all = [...commands.map(({ name }) => name), ...choices, ...flags].join(' ')
    return `    ${quoted(words)}) words=${quoted(all)} ;;`
  })
  const values = entries.flatMap(({ words, options }) =>
    options
      .filter(({ choices }) => choices.length > 0)
      .map(({ flags, choices }) => {
        const patterns = flags.map((flag) => quoted(`${words} ${flag}`)).join('|')
        return `    ${patterns}) COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$current")); return ;;`
      })
  )
  const parents = entries.filter(({ commands }) => commands.length > 0)
  const steps = parents.flatMap(({ words, commands }) =>
    commands.map(
      (each) => `      ${quoted(`${words} ${each.name}`.trim())}) path=${quoted(`${words} ${each.name}`.trim())} ;;`
    )
  )
  return `# bash completion of ${name}: source <(${name} completion bash)
_${identifier(name)}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path='' words='' at
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "\${path:+$path }\${COMP_WORDS[at]}" in
${steps.join('\n')}
    esac
  done
  case "$path $before" in
${values.join('\n')}
  esac
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${identifier(name)} ${name}
`
}

function zsh(name: string, entries: readonly Entry[]): string {
  return `#compdef ${name}
# zsh completion of ${name}: source <(${name} completion zsh)
# A zsh without a ~/.zshrc, as macOS has it, has loaded nothing that completes.
(( $+functions[compdef] )) || { autoload -U +X compinit && compinit -i }
autoload -U +X bashcompinit && bashcompinit
${bash(name, entries)}`
}

function fish(name: string, entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ words, commands, options, choices }) => {
    const path = words === '' ? [] : words.split(' ')
    const names = commands.map(({ name }) => name)
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`)
    const none = names.length === 0 ? [] : [`not __fish_seen_subcommand_from ${names.join(' ')}`]
    const here = [...seen, ...none].join('; and ')
    const when = here === '' ? '' : ` -n ${quoted(here)}`
    return [
      ...commands.map((each) => `complete -c ${name}${when} -f -a ${each.name} -d ${quoted(each.about)}`),
      ...choices.map((choice) => `complete -c ${name}${when} -f -a ${choice}`),
      ...options.map(({ flags, about, choices, takesValue }) => {
        const spelt = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
        const values = choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r' : ''
        return `complete -c ${name}${when} ${spelt.join(' ')}${values} -d ${quoted(about)}`
      })
    ]
  })
  return `# fish completion of ${name}: ${name} completion fish | source\n${lines.join('\n')}\n`
}

function identifier(name: string): string {
  return name.replace(/\W/g, '_')
}
