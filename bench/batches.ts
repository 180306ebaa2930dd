import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { openLoop } from './http/open-loop.ts'
import { startMillwright } from './http/programs.ts'
import type { Shape } from './http/wrk.ts'

/**
 * node bench/batches.ts [MODEL …]: latency of single rows of the churn example at 200 requests a second, alone and while
 * another caller sends 10 000 rows of MODEL again and again, to one gateway. Set up once with bench/setup-python.sh and
 * bench/engine.ts.
 */
const models = process.argv.length > 2 ? process.argv.slice(2) : ['logistic', 'rf-100', 'knn']
const FOLDER = new URL('.cache/models/', import.meta.url)
const PORT = 7704
const SINGLE: Shape = { path: '/api/v1/deployments/churn/predict', wrap: 'row' }
const RATE = { perSecond: 200, seconds: 10 }
const ROWS = 10_000
const COLUMNS = 30

/** 10 000 rows as columns, numbers cut to what people send. */
function batchOf(model: string): Buffer {
  const rows = new Float64Array(Uint8Array.from(readFileSync(new URL(`${model}.rows`, FOLDER))).buffer)
  const columns = Array.from({ length: COLUMNS }, (_, column) => [
    `x${column}`,
    Array.from({ length: ROWS }, (_, row) =>
      Number(rows[(row * COLUMNS + column) % rows.length]!.toFixed(4)),
    ),
  ])
  return Buffer.from(JSON.stringify({ columns: Object.fromEntries(columns) }))
}

type Batches = { readonly perSecond: number; readonly failed: number }

/** Sends a batch again and again until it is stopped. */
function sendBatches(path: string, body: Buffer): { stop(): Promise<Batches> } {
  let isStopped = false
  let [answered, failed] = [0, 0]
  const startedAt = performance.now()
  const loop = (async () => {
    while (!isStopped) {
      if ((await post(path, body)) === 200) answered++
      else failed++
    }
  })()
  return {
    async stop() {
      isStopped = true
      await loop
      return { perSecond: (answered * 1000) / (performance.now() - startedAt), failed }
    },
  }
}

function post(path: string, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const call = request({ host: '127.0.0.1', port: PORT, path, method: 'POST', headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode!))
    })
    call.on('error', reject)
    call.end(body)
  })
}

const millwright = await startMillwright(PORT, 1)
for (const model of models)
  execFileSync(process.execPath, [
    'bin/millwright.js',
    'deploy',
    new URL(`${model}.joblib`, FOLDER).pathname,
    '--name',
    model,
    '--url',
    `http://127.0.0.1:${PORT}`,
  ])
await openLoop(PORT, SINGLE, { ...RATE, seconds: 3 })
console.log('| beside | batches/s | p50 ms | p99 ms | failed |\n|---|---|---|---|---|')
const alone = await openLoop(PORT, SINGLE, RATE)
console.log(`| nothing | – | ${alone.p50.toFixed(2)} | ${alone.p99.toFixed(2)} | ${alone.failed} |`)
for (const model of models) {
  const path = `/api/v1/deployments/${model}/predict`
  const body = batchOf(model)
  const batches = sendBatches(path, body)
  await openLoop(PORT, SINGLE, { ...RATE, seconds: 3 })
  const { p50, p99, failed } = await openLoop(PORT, SINGLE, RATE)
  const sent = await batches.stop()
  console.log(
    `| ${model} | ${sent.perSecond.toFixed(2)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${failed + sent.failed} |`,
  )
}
await millwright.stop()
