import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createControlMetrics } from '../packages/server/src/control/metrics.ts'
import { createFamilies } from '../packages/server/src/gateway/metric-families.ts'
import { createMetrics } from '../packages/server/src/gateway/metrics.ts'
import { ALIASES } from '../packages/server/src/metrics/aliases.ts'
import type { MetricJson } from '../packages/server/src/metrics/families.ts'
import { createSegmentWriter } from '../packages/server/src/segments/writer.ts'

/** node tools/metrics-page.ts: writes docs/reference/metrics.md from the metrics themselves. */

type Row = Pick<MetricJson, 'name' | 'help' | 'type'> & { readonly labels: readonly string[] }

/** Labels of control's metrics, which prom-client does not tell. */
const CONTROL_LABELS: Readonly<Record<string, readonly string[]>> = {
  millwright_control_requests_total: ['method', 'route', 'status'],
  millwright_control_request_seconds: ['method', 'route'],
  millwright_process_restarts_total: ['process', 'reason'],
}

/** Every metric of a gateway and of control, but for those that prom-client has of any process. */
async function listMetrics(): Promise<Row[]> {
  const declared = new Map(
    Object.values(createFamilies()).map((family) => [family.toJson().name, family.labels]),
  )
  const log = createSegmentWriter({
    ...{ folder: join(tmpdir(), 'millwright-no-segments'), flushMs: 1_000, backlogBytes: 1 },
    ...{ segmentBytes: 1, segmentMs: 60_000 },
  })
  const gateway = await createMetrics({ version: '' }).toJson(log)
  await log.close()
  const control = await createControlMetrics(() => 0).registry.getMetricsAsJSON()
  return [...gateway, ...(control as unknown as MetricJson[])]
    .filter(({ name }) => /^(ml|millwright)_/.test(name))
    .map(({ name, help, type, values }) => ({
      ...{ name, help, type },
      labels: declared.get(name) ?? CONTROL_LABELS[name] ?? Object.keys(values[0]?.labels ?? {}),
    }))
}

/** The unit is the end of a name. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_seconds(_total)?$/, 'seconds'],
  [/_load_errors_total$/, 'versions'],
  [/_bytes$/, 'bytes'],
  [/_rows(_\w+)?$|_predictions_total$/, 'rows'],
  [/_score$/, '0 to 1'],
  [/_epoch$/, 'epoch'],
  [/_restarts_total$/, 'restarts'],
  [/_spans_total$/, 'spans'],
  [/_records_total$|_log_dropped_total$/, 'records'],
  [/requests|errors_total$|cancelled_total$/, 'requests'],
]
const unitOf = (name: string): string => UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? ''

const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ')

const tableOf = (rows: readonly Row[]): string =>
  [
    '| metric | type | labels | unit | what |',
    '|---|---|---|---|---|',
    ...rows.map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${code(labels)} | ${unitOf(name)} | ${help.replace(/\.?$/, '.').replaceAll('|', '\\|')} |`,
    ),
  ].join('\n')

const aliasTable = (): string =>
  [
    '| server | metric | type | labels | worked out from |',
    '|---|---|---|---|---|',
    ...ALIASES.map(
      ({ server, name, type, labels, from }) => `| ${server} | \`${name}\` | ${type} | ${labels} | ${from} |`,
    ),
  ].join('\n')

export async function buildMetricsPage(): Promise<string> {
  return `# Metrics

\`GET /metrics\` of any gateway answers for all of them and for control. How to scrape it, the dashboard and the alerts:
[Monitor with Prometheus](../how-to/monitor-with-prometheus.md).

${tableOf(await listMetrics())}

Histograms have \`_bucket\` with \`le\`, \`_sum\` and \`_count\`.

## Labels

Labels are names that the server knows; what callers make up is never one, so the number of series is bounded by what is
deployed. A request for a deployment that is not there has \`deployment="(none)"\`.

| label | values |
|---|---|
| \`door\` | the dialect: native, plain, v1, v2, mlflow, sagemaker, torchserve, grpc; also jobs, health, metrics, proxy where all requests are counted |
| \`deployment\` | its name |
| \`model_version\` | the version's label; of \`millwright_queue_seconds\` the one asked for, elsewhere the one that answered |
| \`outcome\` of \`millwright_request_seconds\` | answered; refused (4xx); failed (5xx); shed: refused for want of room (OVERLOADED, TOO_MANY_REQUESTS, MODEL_BUSY, JOB_QUEUE_FULL); cancelled: the caller went away, or his deadline passed |
| \`outcome\` of \`ml_predictions_total\` | positive or negative where the deployment has a threshold, else the predicted class, or value |
| \`process\`, \`reason\` | control or gateway; ended, or standstill: it did not answer the supervisor for \`MILLWRIGHT_STANDSTILL_MS\` |
| \`code\` | of the [errors](../errors.md) |
| \`assignment\` | stable, candidate, no_unit, override |
| \`outcome\` of \`millwright_shadow_rows_total\` | answered, refused, failed, dropped |

## Native histograms

\`millwright_request_seconds\` and \`millwright_queue_seconds\` have native buckets, too: schema 3 (eight to a power of two), zero below 2^−20.
They are answered to who asks for \`application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited\`, as
Prometheus does where native histograms are switched on.

## Names of other servers

\`MILLWRIGHT_METRIC_ALIASES=triton,mlserver,kserve,tfserving\`, or some of them, adds what those servers would call the same numbers, so that
their dashboards go on. \`model\` and \`model_name\` are deployments, \`version\` is the version's label.

${aliasTable()}

Not told: what Triton counts per device; MLServer's \`rest_server_…\` and \`grpc_server_…\`, which are labelled by path; KServe's steps before and
after the model; TensorFlow Serving's \`runtime_latency\` and batching.

## Processes

\`process_…\` and \`nodejs_…\` are what prom-client collects of any process (memory, CPU time, file descriptors, the event loop, garbage
collection), of all processes together: sums, and means of the event loop's lag.
`
}

if (import.meta.main)
  writeFileSync(new URL('../docs/reference/metrics.md', import.meta.url), await buildMetricsPage())
