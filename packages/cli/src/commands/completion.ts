import { type CliContext, type Command, takeArguments, UsageError } from '../command.ts'

const usage = `Prints a completion script.

Usage: millwright completion bash|zsh|fish

Examples:
  source <(millwright completion bash)
  millwright completion zsh > "\${fpath[1]}/_millwright"
  millwright completion fish > ~/.config/fish/completions/millwright.fish
`

const SERVER_OPTIONS = ['--host', '--port', '--data', '--gateways', '--deploy', '--help']
const GLOBAL_OPTIONS = ['--help', '--json', '--quiet', '--url', '--user', '--timeout', '--no-color']

export const completion: Command = {
  usage,
  options: {},
  async run({ terminal, commands }, _values, positionals) {
    const [shell] = takeArguments(positionals, 'SHELL')
    const script = SCRIPTS[shell!]
    if (script === undefined)
      throw new UsageError(`no completion for ${shell}; there is ${Object.keys(SCRIPTS).join(', ')}`)
    terminal.stdout(script(await optionsByCommand(commands)))
    return 0
  },
}

/** Options of every command, read from the commands themselves. */
async function optionsByCommand(commands: CliContext['commands']): Promise<Map<string, string[]>> {
  const entries = await Promise.all(
    Object.entries(commands).map(async ([name, load]): Promise<[string, string[]]> => {
      const { options } = await load()
      return [name, [...Object.keys(options).map((option) => `--${option}`), ...GLOBAL_OPTIONS]]
    }),
  )
  return new Map([['up', SERVER_OPTIONS], ...entries])
}

const SCRIPTS: Readonly<Record<string, (options: Map<string, string[]>) => string>> = {
  bash: (options) => `_millwright() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then words="${[...options.keys()].join(' ')}"
  else case "\${COMP_WORDS[1]}" in
${[...options].map(([name, list]) => `    ${name}) words="${list.join(' ')}" ;;`).join('\n')}
  esac; fi
  case "$word" in -*) ;; *) [ "$COMP_CWORD" -gt 1 ] && words="" ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [ -z "$words" ] && COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _millwright millwright mw
`,
  zsh: (options) => `#compdef millwright mw
_millwright() {
  if (( CURRENT == 2 )); then compadd ${[...options.keys()].join(' ')}; return; fi
  case "\${words[2]}" in
${[...options].map(([name, list]) => `    ${name}) compadd -- ${list.join(' ')} ;;`).join('\n')}
  esac
  _files
}
compdef _millwright millwright mw
`,
  fish: (options) =>
    `${['millwright', 'mw']
      .flatMap((program) => [
        `complete -c ${program} -n __fish_use_subcommand -f -a '${[...options.keys()].join(' ')}'`,
        ...[...options].flatMap(([name, list]) =>
          list.map(
            (option) =>
              `complete -c ${program} -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`,
          ),
        ),
      ])
      .join('\n')}\n`,
}
