import { writeFileSync } from 'node:fs'

/** npm run docs: writes the Grafana dashboard from the table of its panels. */

export type Panel = {
  readonly title: string
  readonly unit: string
  /** PromQL; `$version` and `$deployment` are what is chosen above. */
  readonly queries: readonly { readonly expr: string; readonly legend: string }[]
  readonly width: number
}

const VERSIONS = 'model_version=~"$version"'
const DEPLOYMENTS = 'deployment=~"$deployment"'
const REQUESTS = 'millwright_request_seconds'

/** A quantile of classic buckets or, where Prometheus keeps only those, of native ones. */
const quantile = (
  q: number,
  name: string,
  { labels, by }: { labels: string; by: readonly string[] },
): string =>
  `histogram_quantile(${q}, sum by (${[...by, 'le'].join(', ')}) (rate(${name}_bucket{${labels}}[$__rate_interval]))) or histogram_quantile(${q}, sum by (${by.join(', ')}) (rate(${name}{${labels}}[$__rate_interval])))`

export const PANELS: readonly Panel[] = [
  {
    title: 'Predictions a second, by version',
    unit: 'reqps',
    width: 12,
    queries: [
      {
        expr: `sum by (model_version) (rate(ml_predictions_total{${VERSIONS}}[$__rate_interval]))`,
        legend: '{{model_version}}',
      },
    ],
  },
  {
    title: 'Outcomes, share',
    unit: 'percentunit',
    width: 12,
    queries: [
      {
        expr: `sum by (model_version, outcome) (rate(ml_predictions_total{${VERSIONS}}[$__rate_interval])) / ignoring (outcome) group_left sum by (model_version) (rate(ml_predictions_total{${VERSIONS}}[$__rate_interval]))`,
        legend: '{{model_version}} {{outcome}}',
      },
    ],
  },
  {
    title: 'Latency of predictions',
    unit: 's',
    width: 12,
    queries: [0.5, 0.95, 0.99].map((q) => ({
      expr: `histogram_quantile(${q}, sum by (le) (rate(ml_prediction_latency_seconds_bucket{${VERSIONS}}[$__rate_interval])))`,
      legend: `p${q * 100}`,
    })),
  },
  {
    title: 'Score, quartiles by version',
    unit: 'percentunit',
    width: 12,
    queries: [0.25, 0.5, 0.75].map((q) => ({
      expr: `histogram_quantile(${q}, sum by (le, model_version) (rate(ml_prediction_score_bucket{${VERSIONS}}[$__rate_interval])))`,
      legend: `{{model_version}} p${q * 100}`,
    })),
  },
  {
    title: 'Requests a second, by status',
    unit: 'reqps',
    width: 12,
    queries: [
      {
        expr: 'sum by (door, status) (rate(millwright_requests_total[$__rate_interval]))',
        legend: '{{door}} {{status}}',
      },
    ],
  },
  {
    title: 'Errors a second, by code',
    unit: 'reqps',
    width: 12,
    queries: [
      { expr: 'sum by (code) (rate(millwright_errors_total[$__rate_interval]))', legend: '{{code}}' },
    ],
  },
  {
    title: 'Requests a second, by door, deployment and version',
    unit: 'reqps',
    width: 12,
    queries: [
      {
        expr: `sum by (door, deployment, model_version) (rate(${REQUESTS}_count{${DEPLOYMENTS}}[$__rate_interval]))`,
        legend: '{{door}} {{deployment}} {{model_version}}',
      },
    ],
  },
  {
    title: 'Latency of answers, by door, deployment and version',
    unit: 's',
    width: 12,
    queries: [0.5, 0.95, 0.99].map((q) => ({
      expr: quantile(q, REQUESTS, {
        labels: `outcome="answered", ${DEPLOYMENTS}`,
        by: ['door', 'deployment', 'model_version'],
      }),
      legend: `{{door}} {{deployment}} {{model_version}} p${q * 100}`,
    })),
  },
  {
    title: 'Requests not answered, a second: refused, failed, shed, cancelled',
    unit: 'reqps',
    width: 12,
    queries: [
      {
        expr: `sum by (deployment, outcome) (rate(${REQUESTS}_count{outcome!="answered", ${DEPLOYMENTS}}[$__rate_interval]))`,
        legend: '{{deployment}} {{outcome}}',
      },
    ],
  },
  {
    title: 'Queue: time waited',
    unit: 's',
    width: 6,
    queries: [0.5, 0.99].map((q) => ({
      expr: quantile(q, 'millwright_queue_seconds', { labels: DEPLOYMENTS, by: ['deployment'] }),
      legend: `{{deployment}} p${q * 100}`,
    })),
  },
  {
    title: 'Queue: requests that wait, and that are answered',
    unit: 'short',
    width: 6,
    queries: [
      { expr: 'millwright_queued_requests', legend: 'waiting' },
      { expr: 'millwright_requests_in_flight', legend: 'in flight' },
    ],
  },
  {
    title: 'Batches of hosted models, mean rows',
    unit: 'short',
    width: 8,
    queries: [
      {
        expr: 'sum(rate(millwright_batch_rows_sum[$__rate_interval])) / sum(rate(millwright_batch_rows_count[$__rate_interval]))',
        legend: 'rows',
      },
    ],
  },
  {
    title: 'Batches of hosted models, time waited',
    unit: 's',
    width: 8,
    queries: [
      {
        expr: 'histogram_quantile(0.99, sum by (le) (rate(millwright_batch_wait_seconds_bucket[$__rate_interval])))',
        legend: 'p99',
      },
    ],
  },
  {
    title: 'Shadow rows a second, by what became of them',
    unit: 'reqps',
    width: 8,
    queries: [
      {
        expr: `sum by (deployment, outcome) (rate(millwright_shadow_rows_total{${DEPLOYMENTS}}[$__rate_interval]))`,
        legend: '{{deployment}} {{outcome}}',
      },
    ],
  },
  {
    title: 'Rows that did not fit the schema, share',
    unit: 'percentunit',
    width: 8,
    queries: [
      {
        expr: 'sum by (deployment) (rate(millwright_rows_refused_total[$__rate_interval])) / sum by (deployment) (rate(millwright_rows_total[$__rate_interval]))',
        legend: '{{deployment}}',
      },
    ],
  },
  {
    title: 'Time inside the model, a row',
    unit: 's',
    width: 8,
    queries: [
      {
        expr: 'sum by (deployment) (rate(millwright_engine_seconds_total[$__rate_interval])) / sum by (deployment) (rate(millwright_rows_total[$__rate_interval]))',
        legend: '{{deployment}}',
      },
    ],
  },
  {
    title: 'Prediction log: dropped a second, by reason',
    unit: 'reqps',
    width: 8,
    queries: [
      {
        expr: 'sum by (reason) (rate(millwright_log_dropped_total[$__rate_interval]))',
        legend: '{{reason}}',
      },
    ],
  },
  {
    title: 'Memory',
    unit: 'bytes',
    width: 12,
    queries: [{ expr: 'process_resident_memory_bytes', legend: 'all processes' }],
  },
  {
    title: 'Event loop lag, p99',
    unit: 's',
    width: 12,
    queries: [{ expr: 'nodejs_eventloop_lag_p99_seconds', legend: 'mean of processes' }],
  },
]

const ROW = 24
const HEIGHT = 8
const datasource = { type: 'prometheus', uid: `$${'{datasource}'}` }

function place(panels: readonly Panel[]): { panel: Panel; x: number; y: number }[] {
  let x = 0
  let y = 0
  return panels.map((panel) => {
    if (x + panel.width > ROW) {
      x = 0
      y += HEIGHT
    }
    const at = { panel, x, y }
    x += panel.width
    return at
  })
}

/** One, several or all values of a label. */
const choice = (name: string, query: string) => ({
  ...{ name, label: `${name[0]!.toUpperCase()}${name.slice(1)}`, type: 'query', datasource },
  query: { query, refId: name },
  ...{ refresh: 2, multi: true, includeAll: true, allValue: '.*' },
})

/** The dashboard as Grafana's classic JSON model. */
export function buildDashboard() {
  return {
    uid: 'millwright-serving',
    title: 'Millwright: serving',
    tags: ['millwright'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        choice('version', 'label_values(ml_predictions_total, model_version)'),
        choice('deployment', 'label_values(millwright_rows_total, deployment)'),
      ],
    },
    panels: place(PANELS).map(({ panel, x, y }, i) => ({
      id: i + 1,
      type: 'timeseries',
      title: panel.title,
      datasource,
      gridPos: { x, y, w: panel.width, h: HEIGHT },
      fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
      options: {
        legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
        tooltip: { mode: 'multi', sort: 'desc' },
      },
      targets: panel.queries.map(({ expr, legend }, q) => ({
        refId: String.fromCharCode(65 + q),
        datasource,
        expr,
        legendFormat: legend,
      })),
    })),
  }
}

if (import.meta.main)
  writeFileSync(
    new URL('../deploy/grafana/dashboards/millwright.json', import.meta.url),
    `${JSON.stringify(buildDashboard(), null, 2)}\n`,
  )
