import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PANELS } from '../../tools/grafana-dashboard.ts'
import {
  CHURN_ROW,
  eventually,
  freePort,
  postJson,
  ROOT,
  type Running,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

const RULES = join(ROOT, 'deploy/prometheus/rules.yml')
const RULES_TEST = join(ROOT, 'deploy/prometheus/rules.test.yml')

const METRICS_PAGE = readFileSync(join(ROOT, 'docs/reference/metrics.md'), 'utf8')

/** With the real Prometheus, where it is installed: apt-get install prometheus. */
const installed = spawnSync('promtool', ['--version']).status === 0
if (!installed)
  console.warn('skipped: promtool is not installed (apt-get install --no-install-recommends prometheus)')

describe.skipIf(!installed)('metrics as Prometheus sees them', () => {
  let server: Running
  /** One as it comes, one that reads native histograms instead of classic ones. */
  let classic: Prometheus
  let native: Prometheus

  beforeAll(async () => {
    server = await startMillwright({ args: ['--deploy', 'examples/churn'] })
    await eventually(
      async () =>
        (
          await fetch(`${server.url}/predict`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(CHURN_ROW),
          })
        ).ok,
    )
    const target = new URL(server.url).host
    classic = await startPrometheus(target)
    native = await startPrometheus(target, ['--enable-feature=native-histograms'])
  })

  afterAll(async () => {
    classic?.stop()
    native?.stop()
    await server?.stop()
  })

  test('promtool finds nothing to say about them', async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text()
    const lint = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    // Names of Node's own default metrics are not ours to choose.
    const ours = (lint.stdout + lint.stderr).split('\n').filter((line) => /^(ml|millwright)_/.test(line))

    expect(ours).toEqual([])
    expect(text).toMatch(/^# TYPE ml_predictions_total counter$/m)
    expect(text).toMatch(/^# TYPE ml_prediction_latency_seconds histogram$/m)
    expect(text).toMatch(/^# TYPE ml_prediction_score histogram$/m)
  })

  test('counts of all gateways come out as one', async () => {
    // The request that waited for the deployment is scraped first.
    const before = await eventually(
      async () => Number(await scraped('sum(ml_predictions_total)')) || undefined,
    )
    for (let i = 0; i < 50; i++) await postJson(`${server.url}/predict`, CHURN_ROW)

    const after = await eventually(async () => {
      const value = Number(await scraped('sum(ml_predictions_total)'))
      return value >= before + 50 && value
    })

    expect(after).toBe(before + 50)
  })

  test('the labels are those of the program that was replaced', async () => {
    const [series] = await eventually(async () => {
      const result = await classic.query('ml_predictions_total')
      return result.length > 0 && result
    })

    expect(Object.keys(series!.metric).sort()).toEqual([
      '__name__',
      'instance',
      'job',
      'model_version',
      'outcome',
    ])
    expect(series!.metric.model_version).toBe('v2')
  })

  test('quantiles by door, deployment and version come of classic and of native buckets, and agree', async () => {
    for (let i = 0; i < 200; i++) await postJson(`${server.url}/predict`, CHURN_ROW)
    const by = 'door, deployment, model_version'
    const labels = { door: 'plain', deployment: 'churn', model_version: 'v2' }
    const quantile = (prometheus: Prometheus, by: string, series: string) =>
      eventually(async () => {
        const found = await prometheus.query(
          `histogram_quantile(0.5, sum by (${by}) (${series}{outcome="answered"}))`,
        )
        return found.find(({ metric, value }) => metric.door === 'plain' && Number(value[1]) > 0)
      })

    const ofClassic = await quantile(classic, `le, ${by}`, 'millwright_request_seconds_bucket')
    const ofNative = await quantile(native, by, 'millwright_request_seconds')

    expect(ofClassic.metric).toEqual(labels)
    expect(ofNative.metric).toEqual(labels)
    // Classic buckets are up to 2.5 wide.
    const ratio = Number(ofNative.value[1]) / Number(ofClassic.value[1])
    expect(ratio).toBeGreaterThan(1 / 3)
    expect(ratio).toBeLessThan(3)
  })

  test('native buckets count all requests of all gateways', async () => {
    const counted = (prometheus: Prometheus, expr: string) =>
      eventually(async () => Number((await prometheus.query(expr))[0]?.value[1]) || undefined)
    const before = await counted(classic, 'sum(millwright_request_seconds_count)')
    expect(before).toBeGreaterThan(0)

    const total = await eventually(async () => {
      const [one, other] = await Promise.all([
        counted(classic, 'sum(millwright_request_seconds_count)'),
        counted(native, 'histogram_count(sum(millwright_request_seconds))'),
      ])
      return one === other && one
    })

    expect(total).toBeGreaterThanOrEqual(before)
  })

  test('every query of the dashboard is understood', async () => {
    for (const { expr } of PANELS.flatMap((panel) => panel.queries))
      for (const prometheus of [classic, native])
        await prometheus.query(
          expr
            .replaceAll('$__rate_interval', '1m')
            .replaceAll('$version', '.*')
            .replaceAll('$deployment', '.*'),
        )
  })

  test('dashboard, rules and alerts ask for metrics that there are', async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text()
    const exported = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!))
    const asked = [
      ...PANELS.flatMap(({ queries }) => queries.map(({ expr }) => expr)),
      readFileSync(RULES, 'utf8'),
    ]
      .join('\n')
      .matchAll(/(?<![:\w])(?:ml|millwright|nodejs|process)_\w+(?=[{[)\s]|$)/gm)
    const names = [...asked].map(([name]) =>
      exported.has(name) ? name : name.replace(/_(bucket|count|sum)$/, ''),
    )

    expect(names.length).toBeGreaterThan(20)
    expect(names.filter((name) => !exported.has(name))).toEqual([])
  })

  test('the page of metrics has those that are exported, with their labels', async () => {
    const rows = [...METRICS_PAGE.matchAll(/^\| `((?:ml|millwright)_\w+)` \| (\w+) \| ([^|]*) \|/gm)]
    const documented = new Map(rows.map(([, name, type, labels]) => [name!, { type, labels: labels! }]))
    const text = await (await fetch(`${server.url}/metrics`)).text()
    const exported = [...text.matchAll(/^# TYPE ((?:ml|millwright)_\w+) (\w+)$/gm)]
    const series = [...text.matchAll(/^((?:ml|millwright)_\w+?)(_bucket|_sum|_count)?\{(.+)\} /gm)]
    const undocumented = series.flatMap(([, name, , labels]) =>
      [...labels!.matchAll(/(\w+)="/g)]
        .map(([, label]) => label!)
        .filter((label) => label !== 'le' && !documented.get(name!)?.labels.includes(`\`${label}\``))
        .map((label) => `${name}{${label}}`),
    )

    expect(exported.map(([, name, type]) => `${name} ${type}`).toSorted()).toEqual(
      [...documented].map(([name, { type }]) => `${name} ${type}`).toSorted(),
    )
    expect(series.length).toBeGreaterThan(50)
    expect(undocumented).toEqual([])
  })

  test.each(['millwright_request_seconds', 'millwright_queue_seconds'])(
    'the dashboard draws %s of either kind of buckets',
    async (metric) => {
      const expr = PANELS.flatMap(({ queries }) => queries.map((one) => one.expr))
        .find((one) => one.includes(`${metric}_bucket`))!
        .replaceAll('$__rate_interval', '1m')
        .replaceAll('$deployment', '.*')

      for (const prometheus of [classic, native])
        expect(await eventually(async () => (await prometheus.query(expr)).length > 0)).toBe(true)
    },
  )

  test('the rules and alerts are valid', () => {
    const output = execFileSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' })

    expect(output).toContain('SUCCESS: 15 rules found')
  })

  test('every alert is silent while all is well and fires when it is not', () => {
    const output = execFileSync('promtool', ['test', 'rules', RULES_TEST], { encoding: 'utf8' })
    const alerts = [...readFileSync(RULES, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name)
    const tested = [...readFileSync(RULES_TEST, 'utf8').matchAll(/alertname: (\w+)/g)].map(([, name]) => name)

    expect(output).toContain('SUCCESS')
    expect(new Set(tested)).toEqual(new Set(alerts))
  })

  const scraped = async (expr: string): Promise<string | undefined> =>
    (await classic.query(expr))[0]?.value[1]
})

type Series = { readonly metric: Record<string, string>; readonly value: [number, string] }
type Prometheus = {
  query(expr: string): Promise<Series[]>
  stop(): void
}

/** A Prometheus that scrapes `target` every second, with the rules of `deploy/`. */
async function startPrometheus(target: string, args: readonly string[] = []): Promise<Prometheus> {
  const port = await freePort()
  const folder = temporaryFolder()
  const config = join(folder, 'prometheus.yml')
  writeFileSync(
    config,
    `global: {scrape_interval: 1s}\nrule_files: ['${ROOT}/deploy/prometheus/rules.yml']\nscrape_configs: [{job_name: millwright, static_configs: [{targets: ['${target}']}]}]\n`,
  )
  const started = spawn(
    'setpriv',
    [
      ...[
        '--pdeathsig',
        'TERM',
        'prometheus',
        `--config.file=${config}`,
        `--storage.tsdb.path=${folder}/tsdb`,
      ],
      ...[`--web.listen-address=127.0.0.1:${port}`, ...args],
    ],
    { stdio: 'ignore' },
  )
  const url = `http://127.0.0.1:${port}`
  await eventually(() =>
    fetch(`${url}/-/ready`).then(
      (answer) => answer.ok,
      () => false,
    ),
  )
  return {
    async query(expr) {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`)
      const { status, data, error } = (await response.json()) as {
        status: string
        data: { result: Series[] }
        error?: string
      }
      if (status !== 'success') throw new Error(`${expr}: ${error}`)
      return data.result
    },
    stop: () => void started.kill(),
  }
}
