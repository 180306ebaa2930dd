import { userInfo } from 'node:os'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type Client, ClientError, createClient } from '@millwright/client'
import { type CliContext, CommandError, EXIT, UsageError, type Values } from './command.ts'
import { COMMANDS, HELP, suggestCommand } from './commands.ts'
import { styleOf, type Terminal, wantsColour } from './terminal.ts'

const DEFAULT_URL = 'http://127.0.0.1:7600'

/** Options every command takes. */
const GLOBAL_OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  url: { type: 'string' },
  user: { type: 'string' },
  timeout: { type: 'string' },
  'no-color': { type: 'boolean' },
} satisfies ParseArgsConfig['options']

async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [name, ...rest] = argv
  const terminal = terminalOf(rest, env)
  if (name === undefined || name === '-h' || name === '--help' || name === 'help') {
    const topic = rest.find((argument) => !argument.startsWith('-'))
    if (topic !== undefined) return await runCommand(topic, ['--help'], { terminal, env })
    terminal.stdout(HELP)
    return name === undefined ? EXIT.usage : EXIT.ok
  }
  if (name === '-V' || name === '--version') {
    const { VERSION } = await import('./version.ts')
    terminal.stdout(`${VERSION}\n`)
    return EXIT.ok
  }
  try {
    return await runCommand(name, rest, { terminal, env })
  } catch (error) {
    return explain(error, { terminal, command: name, json: rest.includes('--json') })
  }
}

type Surroundings = { readonly terminal: Terminal; readonly env: NodeJS.ProcessEnv }

async function runCommand(name: string, argv: string[], { terminal, env }: Surroundings): Promise<number> {
  const load = COMMANDS[name]
  if (load === undefined) {
    const near = suggestCommand(name)
    throw new UsageError(
      `there is no command "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
    )
  }
  const command = await load()
  const options = { ...GLOBAL_OPTIONS, ...command.options }
  const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true })
  if (values.help) {
    terminal.stdout(command.usage)
    return EXIT.ok
  }
  return (
    (await command.run(contextOf(values as Values, { terminal, env }), values as Values, positionals)) ??
    EXIT.ok
  )
}

function contextOf(values: Values, { terminal, env }: Surroundings): CliContext {
  const url = String(values.url ?? env.MILLWRIGHT_URL ?? DEFAULT_URL)
  if (!URL.canParse(url)) throw new UsageError(`${JSON.stringify(url)} is not an address like ${DEFAULT_URL}`)
  const seconds = Number(values.timeout ?? 600)
  if (!(seconds > 0)) throw new UsageError('--timeout takes seconds above 0')
  const user = String(values.user ?? env.MILLWRIGHT_USER ?? userInfo().username)
  const apiKey = env.MILLWRIGHT_API_KEY
  let client: Client | undefined
  return {
    terminal,
    url,
    get client() {
      client ??= createClient({ url, user, timeoutMs: seconds * 1000, ...(apiKey && { apiKey }) })
      return client
    },
    withKey: Boolean(apiKey),
    apiKey: apiKey || undefined,
    json: values.json === true,
    commands: COMMANDS,
  }
}

function terminalOf(argv: readonly string[], env: NodeJS.ProcessEnv): Terminal {
  const isTty = process.stderr.isTTY === true
  const noColor = argv.includes('--no-color')
  return {
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    interactive: isTty,
    style: styleOf(wantsColour(isTty && process.stdout.isTTY === true, env, { noColor })),
    quiet: argv.includes('--quiet') || argv.includes('-q'),
  }
}

type Failure = {
  readonly message: string
  readonly hints: readonly string[]
  readonly exitCode: number
  readonly code?: string
}

function failureOf(error: unknown, command: string): Failure {
  if (error instanceof CommandError) return error
  if (error instanceof ClientError) return clientFailure(error)
  if (error instanceof UsageError || String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS'))
    return {
      message: (error as Error).message,
      hints: [`millwright ${command in COMMANDS ? `${command} ` : ''}--help`],
      exitCode: EXIT.usage,
    }
  const { code, message, path } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return { message: `there is no file ${path}`, hints: [], exitCode: EXIT.notFound }
  return { message, hints: [], exitCode: EXIT.failed }
}

const EXIT_BY_STATUS: Readonly<Record<number, number>> = {
  0: EXIT.failed,
  401: EXIT.auth,
  403: EXIT.auth,
  404: EXIT.notFound,
  409: EXIT.conflict,
  504: EXIT.timeout,
}

const HINTS_BY_STATUS: Readonly<Record<number, readonly string[]>> = {
  0: ['start the server with: millwright up', 'or point to it with --url or MILLWRIGHT_URL'],
  401: ['put the key into MILLWRIGHT_API_KEY', 'an administrator makes one with: millwright keys create'],
}

function clientFailure(error: ClientError): Failure {
  const fields = (error.problem?.errors ?? [])
    .filter((field) => !error.message.includes(field.message))
    .map((field) => `${field.pointer}: ${field.message}`)
  return {
    message: [error.message, ...fields].join('\n  '),
    hints: HINTS_BY_STATUS[error.status] ?? [],
    exitCode:
      error.problem?.code === 'PROMOTION_REFUSED' ? EXIT.gate : (EXIT_BY_STATUS[error.status] ?? EXIT.failed),
    ...(error.problem === undefined ? {} : { code: error.problem.code }),
  }
}

function explain(
  error: unknown,
  { terminal, command, json }: { terminal: Terminal; command: string; json: boolean },
): number {
  const failure = failureOf(error, command)
  if (json)
    terminal.stdout(
      `${JSON.stringify({ error: { message: failure.message, code: failure.code ?? null, hints: failure.hints } })}\n`,
    )
  terminal.stderr(
    `${terminal.style.bad('✖')} ${failure.message}${failure.code === undefined ? '' : terminal.style.dim(` [${failure.code}]`)}\n`,
  )
  for (const hint of failure.hints) terminal.stderr(`  hint: ${hint}\n`)
  return failure.exitCode
}

process.on('SIGINT', () => process.exit(EXIT.interrupted))
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok)
  throw error
})
process.exitCode = await main(process.argv.slice(2), process.env)
