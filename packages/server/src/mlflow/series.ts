import { invalid } from '../tracking/errors.ts'
import { historyOf } from '../tracking/metrics.ts'
import { findRow } from '../tracking/runs.ts'
import { seriesOf } from '../tracking/series.ts'
import { ofRun, ofRuns } from './about.ts'
import { metricOf, metricsOf } from './encode.ts'
import { int64, list, required, text } from './fields.ts'
import { assertPageSize } from './pages.ts'
import { type MlflowRoute, route } from './route.ts'
import { RUN, runIdOf } from './run-fields.ts'

/** Points of a history that asks for no number: all. */
const ALL = 1_000_000_000
/** Runs whose series are asked for at once, and points: of one run, and of all. */
const RUNS_AT_ONCE = 100
const POINTS = 2500
const BULK_POINTS = 25_000

export const SERIES_ROUTES: readonly MlflowRoute[] = [
  route('GET', 'metrics/get-history', 'read', {
    about: ofRun,
    fields: { ...RUN, metric_key: required(text), max_results: int64, page_token: text },
    answer: async ({ db }, { metric_key: key, max_results: limit = ALL, page_token: token, ...run }) => {
      const offset = token ? offsetOf(token) : 0
      const { id } = await findRow(db, runIdOf(run))
      const metrics = await historyOf(db, id, { key, offset, limit: limit + 1 })
      const page = metricsOf(metrics.slice(0, limit))
      return metrics.length > limit
        ? { metrics: page, next_page_token: tokenOf(offset + limit) }
        : { metrics: page }
    },
  }),
  route('GET', 'metrics/get-history-bulk-interval', 'read', {
    about: (db, { run_ids: ids }) => ofRuns(db, ids),
    fields: {
      ...{ run_ids: required(list(text)), metric_key: required(text) },
      ...{ start_step: int64, end_step: int64, max_results: int64 },
    },
    async answer({ db }, { run_ids: runs, metric_key: key, start_step, end_step, max_results }) {
      if (runs.length > RUNS_AT_ONCE)
        throw invalid(
          `GetMetricHistoryBulkInterval request must specify at most ${RUNS_AT_ONCE} run_ids. Received ${runs.length} run_ids.`,
        )
      if ((start_step === undefined) !== (end_step === undefined))
        throw invalid('If either start step or end step are specified, both must be specified.')
      if (start_step !== undefined && end_step! < start_step)
        throw invalid(
          `end_step must be greater than start_step. Found start_step=${start_step} and end_step=${end_step}.`,
        )
      const steps = start_step === undefined ? undefined : ([start_step, end_step!] as const)
      const points = assertPageSize(max_results ?? POINTS, POINTS)
      const metrics = []
      for (const runId of new Set(runs)) {
        const { id } = await findRow(db, runId!)
        const series = await seriesOf(db, id, { key, steps, points })
        metrics.push(...series.map((metric) => ({ ...metricOf(metric), run_id: runId })))
      }
      return { metrics }
    },
  }),
  route('GET', 'metrics/get-history-bulk', 'read', {
    about: (db, { run_id: ids }) => ofRuns(db, ids),
    fields: { run_id: required(list(text)), metric_key: required(text), max_results: int64 },
    async answer({ db }, { run_id: runs, metric_key: key, max_results }) {
      if (runs.length > RUNS_AT_ONCE)
        throw invalid(
          `GetMetricHistoryBulk request cannot specify more than ${RUNS_AT_ONCE} run_ids. Received ${runs.length} run_ids.`,
        )
      const most = assertPageSize(Math.min(max_results ?? BULK_POINTS, BULK_POINTS), BULK_POINTS)
      const metrics = []
      for (const runId of [...new Set(runs)].sort()) {
        const { id } = await findRow(db, runId!)
        const history = await historyOf(db, id, { key, offset: 0, limit: most - metrics.length })
        metrics.push(...history.map((metric) => ({ ...metricOf(metric), run_id: runId })))
        if (metrics.length >= most) break
      }
      return { metrics }
    },
  }),
]

const tokenOf = (offset: number): string => Buffer.from(JSON.stringify({ offset })).toString('base64')

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function offsetOf(token: string): number {
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64').toString()) as { offset: unknown }
    if (Number.isSafeInteger(offset) && (offset as number) >= 0) return offset as number
  } catch {
    // The same answer as for a number that is none.
  }
  throw invalid('Invalid page token, could not base64-decode')
}
