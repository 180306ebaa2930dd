import type { PredictionRecord } from '@millwright/contracts'
import { type Command, countOption, takeArguments, textOption, UsageError, type Values } from '../command.ts'
import { printable, type Terminal, table } from '../terminal.ts'

const usage = `Finds logged predictions, newest first.

Usage: millwright logs [DEPLOYMENT] [options]

Options:
  --id ID            one prediction
  --subject ID       predictions about a customer, a device …
  --request ID       predictions of one request
  --version N        of this model version
  --variant NAME     stable, candidate, override, pinned or shadow
  --since TIME       RFC 3339, or an age: 90s, 15m, 2h, 7d
  --until TIME       the same
  --limit N          rows on a page (default 20)
  --cursor CURSOR    the next page, as the last one said

Examples:
  millwright logs churn --since 1h
  millwright logs --subject CUST_00042 --json
`

export const logs: Command = {
  usage,
  options: {
    id: { type: 'string' },
    subject: { type: 'string' },
    request: { type: 'string' },
    version: { type: 'string' },
    variant: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
    limit: { type: 'string' },
    cursor: { type: 'string' },
  },
  async run({ terminal, client, json }, values, positionals) {
    const [deployment] = takeArguments(positionals, 'DEPLOYMENT?')
    const page = await client.listPredictions({
      ...queryOf(values),
      ...(deployment === undefined ? {} : { deployment }),
    })
    if (json) terminal.stdout(`${JSON.stringify(page)}\n`)
    else show(terminal, page)
    return 0
  },
}

/** Option → query parameter, where they are the same text. */
const TEXT = {
  id: 'id',
  subject: 'subject',
  request: 'request_id',
  variant: 'variant',
  cursor: 'cursor',
} as const

function queryOf(values: Values): Record<string, string | number> {
  const query: Record<string, string | number> = { limit: countOption(values, 'limit') ?? 20 }
  for (const [option, parameter] of Object.entries(TEXT)) {
    const value = textOption(values, option)
    if (value !== undefined) query[parameter] = value
  }
  for (const option of ['since', 'until']) {
    const value = textOption(values, option)
    if (value !== undefined) query[option] = readTime(value, option)
  }
  const version = countOption(values, 'version')
  return version === undefined ? query : { ...query, version }
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** An age (15m) or a time, as RFC 3339. @throws UsageError */
export function readTime(text: string, option: string, now = Date.now()): string {
  const age = /^(\d+)([smhd])$/.exec(text)
  if (age !== null) return new Date(now - Number(age[1]) * UNIT_MS[age[2]!]!).toISOString()
  const time = Date.parse(text)
  if (Number.isNaN(time))
    throw new UsageError(
      `--${option} takes a time like 2026-01-31T09:00:00Z or an age like 15m, got ${JSON.stringify(text)}`,
    )
  return new Date(time).toISOString()
}

function show(terminal: Terminal, page: { data: PredictionRecord[]; next: string | null }): void {
  const rows = page.data.map((record) => [
    record.time.replace('T', ' ').replace('Z', ''),
    record.id,
    `${record.deployment}@${record.version}${record.variant === 'stable' ? '' : ` ${printable(record.variant)}`}`,
    printable(JSON.stringify(record.outputs.predict ?? record.outputs.prediction ?? record.outputs)).slice(
      0,
      40,
    ),
    record.decision === null ? '' : printable(Object.values(record.decision).map(String).join(' ')),
    printable(record.subject ?? ''),
    `${Math.round(record.latency_us)} µs`,
  ])
  if (rows.length === 0) {
    terminal.stderr('No predictions match.\n')
    return
  }
  terminal.stdout(
    table(rows, terminal.style, ['TIME', 'ID', 'SERVED BY', 'ANSWER', 'DECISION', 'SUBJECT', 'TOOK']),
  )
  if (page.next === null) return
  const cursor = new URL(page.next, 'http://localhost').searchParams.get('cursor')
  terminal.stderr(terminal.style.dim(`older ones: --cursor ${cursor}\n`))
}
