import { dirname } from 'node:path'
import type { CopiedTable, CopyDone, CopyFailed, CountedTable } from '@millwright/contracts/database-copy'
import {
  type CliContext,
  type Command,
  CommandError,
  EXIT,
  takeArguments,
  textOption,
  UsageError,
} from '../command.ts'
import { copyOffline } from '../database-copy.ts'
import { progress, type Style, table } from '../terminal.ts'

const usage = `Copies what a server keeps in SQLite to PostgreSQL: models, deployments, keys, experiments, runs, everything but files,
which stay in the data folder. The server must not run.

Usage: millwright database copy [--data DIR] [--to URL] [--dry-run] [--json]

Options:
  --data DIR   data folder of the server       (MILLWRIGHT_DATA, default ~/.local/share/millwright)
  --to URL     postgres://user@host/database   (MILLWRIGHT_DATABASE); a password on a command line can be read by everybody
               on the machine: put it into PGPASSWORD, ~/.pgpass or the variable
  --dry-run    look at both and count the rows, and change nothing

The database must be new, or have nothing but tables without rows. All is written in one transaction, read back, and compared by counts and
digests: when a table differs it is named, the exit code is 1, and nothing is kept. SQLite's file is only read.

Examples:
  millwright database copy --data /var/lib/millwright --to postgres://millwright@db.internal/millwright --dry-run
  millwright database copy --data /var/lib/millwright --to postgres://millwright@db.internal/millwright
`

export const database: Command = {
  usage,
  options: { data: { type: 'string' }, to: { type: 'string' }, 'dry-run': { type: 'boolean' } },
  async run(context, values, positionals) {
    const [verb] = takeArguments(positionals, 'copy')
    if (verb !== 'copy') throw new UsageError(`database takes copy, got ${JSON.stringify(verb)}`)
    const [data, to] = [textOption(values, 'data'), textOption(values, 'to')]
    const bar = progress(context.terminal, 'Database:')
    const answer = await copyOffline(
      {
        ...(data !== undefined && { data }),
        ...(to !== undefined && { to }),
        dry_run: values['dry-run'] === true,
      },
      ({ stage, table, rows, of }) => bar.update(`${stage} ${table}, ${rows} of ${of} rows`),
    )
    if ('message' in answer) {
      bar.done()
      return refuse(context, answer)
    }
    bar.done(summaryOf(answer))
    tell(context, answer)
    return EXIT.ok
  },
}

/** @throws CommandError */
function refuse({ terminal, json }: CliContext, { message, hint, exitCode, tables }: CopyFailed): number {
  const error = new CommandError(message, hint === undefined ? [] : [hint], exitCode)
  if (tables === undefined) throw error
  if (!json) {
    terminal.stdout(copiedText(tables, terminal.style))
    throw error
  }
  terminal.stdout(`${JSON.stringify({ error: { message, code: null, hints: error.hints }, tables })}\n`)
  terminal.stderr(`${terminal.style.bad('✖')} ${message}\n`)
  return exitCode
}

function summaryOf(done: CopyDone): string {
  const rows = done.dry_run
    ? done.tables.reduce((sum, { rows }) => sum + rows, 0)
    : done.tables.reduce((sum, { source }) => sum + source.rows, 0)
  const what = `${rows} rows of ${done.tables.length} tables`
  return done.dry_run ? `${what} would go to ${done.to}` : `${what} are in ${done.to}, as they were`
}

function tell({ terminal, json }: CliContext, done: CopyDone): void {
  const { stdout, stderr, style, quiet } = terminal
  if (json) stdout(`${JSON.stringify(done)}\n`)
  else stdout(done.dry_run ? countedText(done.tables, style) : copiedText(done.tables, style))
  if (quiet || done.dry_run) return
  stderr(
    `  Next: millwright up --data ${dirname(done.from)} --database URL, with the same address (or MILLWRIGHT_DATABASE)\n`,
  )
  stderr(`  ${done.from} is as it was: keep it as a backup, and start no server on it again\n`)
}

const countedText = (tables: readonly CountedTable[], style: Style): string =>
  table(
    tables.map(({ table, rows }) => [table, String(rows)]),
    style,
    ['TABLE', 'ROWS'],
  )

/** Of a digest, as many digits as people compare. */
const shown = (digest: string): string => digest.slice(0, 16)

function copiedText(tables: readonly CopiedTable[], style: Style): string {
  const beside = (source: string, target: string): string => (source === target ? target : style.bad(target))
  const rows = tables.map(({ table, source, target }) => [
    table,
    String(source.rows),
    beside(String(source.rows), String(target.rows)),
    shown(source.digest),
    beside(shown(source.digest), shown(target.digest)),
  ])
  return table(rows, style, ['TABLE', 'SQLITE', 'POSTGRESQL', 'DIGEST', 'POSTGRESQL'])
}
