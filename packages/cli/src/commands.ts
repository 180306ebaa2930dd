import type { Command } from './command.ts'

/** Every command, loaded when it is called: `--help` must not wait for the engine. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  deploy: async () => (await import('./commands/deploy.ts')).deploy,
  predict: async () => (await import('./commands/predict.ts')).predict,
  precompute: async () => (await import('./commands/precompute.ts')).precompute,
  batch: async () => (await import('./commands/batch.ts')).batch,
  score: async () => (await import('./commands/score.ts')).score,
  verify: async () => (await import('./commands/verify.ts')).verify,
  optimize: async () => (await import('./commands/optimize.ts')).optimize,
  inspect: async () => (await import('./commands/inspect.ts')).inspect,
  status: async () => (await import('./commands/status.ts')).status,
  logs: async () => (await import('./commands/logs.ts')).logs,
  canary: async () => (await import('./commands/canary.ts')).canary,
  shadow: async () => (await import('./commands/shadow.ts')).shadow,
  promote: async () => (await import('./commands/promote.ts')).promote,
  rules: async () => (await import('./commands/rules.ts')).rules,
  approve: async () => (await import('./commands/approve.ts')).approve,
  abort: async () => (await import('./commands/abort.ts')).abort,
  pin: async () => (await import('./commands/pin.ts')).pin,
  configure: async () => (await import('./commands/configure.ts')).configure,
  load: async () => (await import('./commands/load.ts')).load,
  unload: async () => (await import('./commands/load.ts')).unload,
  rollback: async () => (await import('./commands/rollback.ts')).rollback,
  keys: async () => (await import('./commands/keys.ts')).keys,
  webhooks: async () => (await import('./commands/webhooks.ts')).webhooks,
  events: async () => (await import('./commands/events.ts')).events,
  types: async () => (await import('./commands/types.ts')).types,
  import: async () => (await import('./commands/import.ts')).importCommand,
  export: async () => (await import('./commands/export.ts')).exportCommand,
  runs: async () => (await import('./commands/runs.ts')).runs,
  tracking: async () => (await import('./commands/tracking.ts')).tracking,
  models: async () => (await import('./commands/models.ts')).models,
  database: async () => (await import('./commands/database.ts')).database,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  demo: async () => (await import('./commands/demo.ts')).demo,
  completion: async () => (await import('./commands/completion.ts')).completion,
}

export const HELP = `Millwright puts trained models into production, serves them without Python, and takes them back.

Usage: millwright COMMAND [options]        (mw for short)

Start
  up           start the server on this machine
  demo         send realistic traffic to the churn example
  doctor       check this machine and the server

Deploy
  deploy       put a model file into production
  canary       let a candidate answer a share of customers
  shadow       give a candidate a copy of requests
  promote      let the candidate, or another version, serve
  rules        say what a version must meet before it is promoted
  approve      approve a version, where rules ask for it
  abort        end a rollout
  pin          give a version of the API its own version of the model
  rollback     restore what served before, at once
  status       what serves now, and how it is

Operate
  configure    set limits and the cache of a deployment
  unload       take a deployment out of memory, its settings stay
  load         serve it again
  keys         make, list, rotate and revoke API keys
  webhooks     who is told of changes of the registry, and what did not arrive
  events       who changed what, and when

Use
  predict      ask a deployment
  batch        score a file of any size, on all cores
  precompute   compute answers before anyone asks, by key
  logs         find logged predictions
  models       list models and versions
  runs         list, compare and tag training runs
  tracking     where the bytes of runs are; remove for good what was deleted
  import       bring runs, models and files from an MLflow server
  export       take them to one
  types        write TypeScript types of a deployment's rows and answers

Without a server
  inspect      say what a model file is, and whether it can be served
  score        predict rows of a file with a model file
  verify       compare a model file's answers with the training library's, on your rows
  optimize     make a model smaller and faster, and measure what that costs
  database     copy what is kept in SQLite to PostgreSQL

  completion   print a completion script for bash, zsh or fish

Every command takes --help, --json, --quiet, --url, --user, --timeout SECONDS and --no-color.
Environment: MILLWRIGHT_URL (default http://127.0.0.1:7600), MILLWRIGHT_API_KEY, MILLWRIGHT_USER, NO_COLOR.
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 not allowed, 5 gate failed, 6 timed out, 7 conflict, 130 interrupted.

Examples:
  millwright up
  millwright deploy model.pkl --sample rows.csv
  millwright rollback churn --reason "scores doubled at noon"
`

/** The command a mistyped one is closest to, when it is close. */
export function suggestCommand(name: string): string | undefined {
  const near = [...Object.keys(COMMANDS), 'up']
    .map((command) => ({ command, distance: editDistance(name, command) }))
    .sort((a, b) => a.distance - b.distance)[0]
  return near !== undefined && near.distance <= 2 ? near.command : undefined
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, substituted))
    }
    previous = current
  }
  return previous[b.length]!
}
