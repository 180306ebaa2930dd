import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadConfig } from './config.ts'
import { StartError } from './supervisor/preflight.ts'
import { runUp } from './supervisor/up.ts'
import { VERSION } from './version.ts'

/** Entry of the server roles: `millwright up | control | gateway`, and of `create-key` and `copy-database` for one that does not run. */

const USAGE = `Starts Millwright: one control process and one gateway per core, on one port.

Usage: millwright up [options]

Options:
  --host HOST      address to listen on          (MILLWRIGHT_HOST, default 127.0.0.1)
  --port PORT      port; 0 picks a free one      (MILLWRIGHT_PORT, default 7600)
  --data DIR       folder for all that is kept   (MILLWRIGHT_DATA, default ~/.local/share/millwright)
  --database URL   PostgreSQL, postgres://…      (MILLWRIGHT_DATABASE, default: SQLite in that folder)
  --gateways N     gateway processes             (MILLWRIGHT_GATEWAYS, default: one per core)
  --open           without API keys: everyone who reaches the port may do everything  (MILLWRIGHT_AUTH=off)
  --artifacts URL  files of runs in a store of objects, s3://bucket/prefix  (MILLWRIGHT_ARTIFACTS)
  --artifacts-direct
                   clients read and write there themselves  (MILLWRIGHT_ARTIFACTS_DIRECT=true)
  --deploy PATH    deploy a model file or an example folder once up, unless it is there already
  -h, --help       this text

Examples:
  millwright up
  millwright up --port 0 --data /tmp/try --gateways 1
  millwright up --host 0.0.0.0       callers need an API key: millwright keys create --help
`

const OPTIONS = {
  host: { type: 'string' },
  port: { type: 'string' },
  data: { type: 'string' },
  database: { type: 'string' },
  gateways: { type: 'string' },
  open: { type: 'boolean' },
  artifacts: { type: 'string' },
  'artifacts-direct': { type: 'boolean' },
  deploy: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Option → the variable it stands for. */
const VARIABLES = {
  host: 'MILLWRIGHT_HOST',
  port: 'MILLWRIGHT_PORT',
  data: 'MILLWRIGHT_DATA',
  database: 'MILLWRIGHT_DATABASE',
  gateways: 'MILLWRIGHT_GATEWAYS',
  artifacts: 'MILLWRIGHT_ARTIFACTS',
} as const

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

async function up(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const chosen = Object.entries(VARIABLES).flatMap(([option, variable]) => {
    const value = values[option as keyof typeof VARIABLES]
    return value === undefined ? [] : [[variable, value] as const]
  })
  const fullEnv = {
    ...env,
    ...Object.fromEntries(chosen),
    ...(values.open === true && { MILLWRIGHT_AUTH: 'off' }),
    ...(values['artifacts-direct'] === true && { MILLWRIGHT_ARTIFACTS_DIRECT: 'true' }),
  }
  const entry = process.argv[1] ?? fileURLToPath(import.meta.url)
  await runUp({
    config: loadConfig(fullEnv),
    env: fullEnv,
    entry,
    version: VERSION,
    deploy: values.deploy,
    say,
  })
  return 0
}

function explain(error: unknown): number {
  const { message } = error as Error
  say(`✖ ${message}`)
  if (error instanceof StartError) {
    say(`  hint: ${error.hint}`)
    return error.exitCode
  }
  const usage =
    (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') ||
    message.startsWith('invalid configuration')
  if (usage) say('  hint: millwright up --help')
  return usage ? 2 : 1
}

const [role, ...args] = process.argv.slice(2)
if (role === 'control') await import('./control/main.ts')
else if (role === 'gateway') await import('./gateway/main.ts')
else if (role === 'create-key') await import('./control/create-key.ts')
else if (role === 'copy-database') await import('./control/copy-database.ts')
else
  try {
    process.exitCode = await up(args, process.env)
  } catch (error) {
    process.exitCode = explain(error)
  }
