import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
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

/** With the real Prometheus, where it is installed: apt-get install prometheus. */
const installed = spawnSync('promtool', ['--version']).status === 0
if (!installed)
  console.warn('skipped: promtool is not installed (apt-get install --no-install-recommends prometheus)')

describe.skipIf(!installed)('metrics as Prometheus sees them', () => {
  let server: Running
  let prometheusUrl: string
  let prometheus: ReturnType<typeof spawn>

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
    const port = await freePort()
    const folder = temporaryFolder()
    const config = join(folder, 'prometheus.yml')
    const target = new URL(server.url).host
    writeFileSync(
      config,
      `global: {scrape_interval: 1s}\nrule_files: ['${ROOT}/deploy/prometheus/rules.yml']\nscrape_configs: [{job_name: millwright, static_configs: [{targets: ['${target}']}]}]\n`,
    )
    prometheus = spawn(
      'setpriv',
      [
        '--pdeathsig',
        'TERM',
        'prometheus',
        `--config.file=${config}`,
        `--storage.tsdb.path=${folder}/tsdb`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    )
    prometheusUrl = `http://127.0.0.1:${port}`
    await eventually(async () =>
      fetch(`${prometheusUrl}/-/ready`).then(
        (r) => r.ok,
        () => false,
      ),
    )
  })

  afterAll(async () => {
    prometheus?.kill()
    await server?.stop()
  })

  async function query(expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
    const response = await fetch(`${prometheusUrl}/api/v1/query?query=${encodeURIComponent(expr)}`)
    const { status, data, error } = (await response.json()) as {
      status: string
      data: { result: never[] }
      error?: string
    }
    if (status !== 'success') throw new Error(`${expr}: ${error}`)
    return data.result
  }

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
      const result = await query('ml_predictions_total')
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

  test('every query of the dashboard is understood', async () => {
    for (const { expr } of PANELS.flatMap((panel) => panel.queries))
      await query(expr.replaceAll('$__rate_interval', '1m').replaceAll('$version', '.*'))
  })

  test('the rules and alerts are valid', () => {
    const output = execFileSync('promtool', ['check', 'rules', join(ROOT, 'deploy/prometheus/rules.yml')], {
      encoding: 'utf8',
    })

    expect(output).toContain('SUCCESS: 5 rules found')
  })

  const scraped = async (expr: string): Promise<string | undefined> => (await query(expr))[0]?.value[1]
})
