import type { MetricSummary, RunDiff, TrackedRun } from '@millwright/contracts'
import { formatAge, printable, type Style, table } from './terminal.ts'

const FIRST = ['run_id', 'name', 'experiment', 'status', 'started']
/** Metrics that are shown where nobody says which. */
const MOST_METRICS = 4

/** What is shown of runs: what is asked for behind their ids and names, or the metrics they have. */
export function columnsFor(runs: readonly TrackedRun[], asked: readonly string[]): string[] {
  if (asked.length > 0) return ['run_id', 'name', ...asked]
  const metrics = [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].sort().slice(0, MOST_METRICS)
  return [...FIRST, ...metrics.map((name) => `metrics.${name}`)]
}

export function cellOf(run: TrackedRun, column: string): string {
  const [, kind, key] = /^(metrics|params|tags)\.(.+)$/.exec(column) ?? []
  if (kind !== undefined) return shown(run[kind as 'metrics' | 'params' | 'tags'][key!])
  if (column === 'started' || column === 'start_time')
    return run.started_at === null ? '' : formatAge(run.started_at)
  return shown(run[column as 'name' | 'status' | 'user' | 'experiment' | 'run_id'])
}

const shown = (value: string | number | null | undefined): string =>
  value === null || value === undefined
    ? ''
    : typeof value === 'number'
      ? String(Number(value.toPrecision(6)))
      : printable(String(value))

export function runText(run: TrackedRun, metrics: readonly MetricSummary[], style: Style): string {
  const facts = [
    ['Run', `${run.run_id} ${printable(run.name)}`],
    ['Experiment', printable(run.experiment)],
    ['Status', run.lifecycle === 'deleted' ? `${run.status}, deleted` : run.status],
    ['Started', run.started_at === null ? '' : `${formatAge(run.started_at)} by ${printable(run.user)}`],
    ...run.datasets.map(({ name, digest, context }) => [
      'Dataset',
      printable(`${name} ${digest} ${context ?? ''}`),
    ]),
    ...run.models.map((id) => ['Model', id]),
  ]
  const rows = metrics.map(({ key, count, last, min, max, best }) => [
    ...[printable(key), String(count), shown(last), shown(min), shown(max)],
    best === null ? '' : `${shown(best.value)} at ${best.step}`,
  ])
  const pairs = (name: string, texts: Readonly<Record<string, string>>): string[] => {
    const lines = Object.entries(texts).map(([key, value]) => [printable(key), printable(value)])
    return lines.length === 0 ? [] : [table(lines, style, [name, ''])]
  }
  return [
    table(facts, style),
    ...(rows.length === 0 ? [] : [table(rows, style, ['METRIC', 'VALUES', 'LAST', 'MIN', 'MAX', 'BEST'])]),
    ...pairs('PARAM', run.params),
    ...pairs('TAG', run.tags),
  ].join('\n')
}

const PARTS = ['params', 'datasets', 'code', 'packages'] as const

export function diffText(diff: RunDiff, style: Style): string {
  const side = (text: string | null): string => (text === null ? style.dim('–') : printable(text))
  const parts = PARTS.map((part) => {
    const rows = diff[part].map(({ name, a, b }) => [printable(name), side(a), side(b)])
    const same = style.dim(`${diff.same[part]} equal`)
    const title = part.toUpperCase()
    return rows.length === 0 ? `${title}: ${same}\n` : `${table(rows, style, [title, 'A', 'B'])}${same}\n`
  })
  const metrics = diff.metrics.map(({ name, a, b, change }) => [
    ...[printable(name), shown(a), shown(b)],
    change === null ? '' : `${change > 0 ? '+' : ''}${shown(change)}`,
  ])
  return [
    ...parts,
    ...(metrics.length === 0 ? [] : [table(metrics, style, ['METRIC', 'A', 'B', 'CHANGE'])]),
  ].join('\n')
}
