import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  freePort,
  postJson,
  ROOT,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'
import { findMlflow } from './find-mlflow.ts'

/** What plain mlflow code logged while the server was away, with the real mlflow. */
const run = promisify(execFile)
const ROW = { days_since_last_order: 45, total_orders: 12, lifetime_value: 567.89, email_open_rate: 0.35 }
const python = await findMlflow()

type Runs = {
  runs: {
    info: { run_id: string; status: string; run_name: string }
    data: { metrics: { key: string; value: number }[]; params: object[] }
    inputs: { dataset_inputs: { dataset: { name: string } }[] }
    outputs: { model_outputs: object[] }
  }[]
}

describe.skipIf(python === undefined)('a server that was away', () => {
  test('gets the run, its files, its model and the promotion when it is back, once', async () => {
    const folder = temporaryFolder()
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const env = {
      ...process.env,
      PYTHONPATH: join(ROOT, 'python/src'),
      MLFLOW_TRACKING_URI: url,
      MILLWRIGHT_SPOOL: join(folder, 'spool'),
    }
    const start = (...args: string[]) => run(python!, args, { cwd: folder, env })

    const away = await start(
      join(import.meta.dirname, 'offline_training.py'),
      join(ROOT, 'examples/churn/customers.csv'),
    )
    const server = await startMillwright({ gateways: 1, args: ['--port', String(port)] })
    const flushed = await start('-m', 'millwright', 'flush')
    const again = await start('-m', 'millwright', 'flush')
    const found = await postJson(`${url}/api/2.0/mlflow/runs/search`, { experiment_ids: ['1'] })
    const { runs } = found.json as Runs
    const file = await fetch(`${url}/get-artifact?run_id=${runs[0]?.info.run_id}&path=weather/report.txt`)
    const report = await file.text()
    const loaded = await start('-c', LOAD)
    const aliases = await fetch(`${url}/api/v1/models/tide/aliases`).then((answer) => answer.json())
    const served = await postJson(`${url}/api/v1/deployments/tide/predict`, { row: ROW })
    await server.stop()
    removeFolder(server.data)
    removeFolder(folder)

    expect(away.stdout.trim()).toMatch(/offline$/)
    expect([flushed.stdout.trim(), again.stdout.trim()]).toEqual(['3 sent, 0 refused', '0 sent, 0 refused'])
    expect(runs).toHaveLength(1)
    expect(runs[0]).toMatchObject({
      info: { run_name: 'at sea', status: 'FINISHED' },
      data: { metrics: [{ key: 'loss', value: 0.2 }], params: [{ key: 'max_iter', value: '1000' }] },
      inputs: { dataset_inputs: [{ dataset: { name: 'customers' } }] },
      outputs: { model_outputs: [{ step: 0 }] },
    })
    expect(report).toBe('calm')
    expect(loaded.stdout.trim()).toBe('LogisticRegression')
    expect(aliases).toEqual({ challenger: 1, production: 1 })
    expect(served).toMatchObject({ status: 200, json: { model: 'tide', version: { number: 1 } } })
  })
})

const LOAD = `
import mlflow
print(type(mlflow.sklearn.load_model("models:/tide@production")).__name__)
`
