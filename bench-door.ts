import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from './packages/server/src/db/database.ts'
import { createWriter } from './packages/server/src/db/writer.ts'
import { createMlflowDoor } from './packages/server/src/mlflow/door.ts'
import { ensureDefaultExperiment } from './packages/server/src/tracking/experiments.ts'

const db = await openDatabase(join(mkdtempSync(join(tmpdir(), 'm-')), 'db'))
await ensureDefaultExperiment(db, 'mlflow-artifacts:/', Date.now())
const door = createMlflowDoor({
  db,
  writer: createWriter(db),
  artifactRoot: 'mlflow-artifacts:/',
  now: Date.now,
})
const post = async (path: string, body: object) => {
  const r = await door({
    method: 'POST',
    path: `/api/2.0/mlflow/${path}`,
    query: '',
    contentType: 'application/json',
    body: Buffer.from(JSON.stringify(body)),
  })
  return { status: r.status, ...JSON.parse(r.body) }
}
const get = async (path: string, query: string) =>
  JSON.parse(
    (
      await door({
        method: 'GET',
        path: `/api/2.0/mlflow/${path}`,
        query,
        contentType: undefined,
        body: Buffer.alloc(0),
      })
    ).body,
  )
const { run } = await post('runs/create', { experiment_id: '0', start_time: 1 })
console.log(run)
const id = run.info.run_id
console.log(
  await post('runs/log-metric', { run_id: id, key: 'a', value: 'NaN', timestamp: 1, step: 2 }),
  await post('runs/log-parameter', { run_id: id, key: 'a', value: '1' }),
  await post('runs/log-parameter', { run_id: id, key: 'a', value: '2' }),
)
console.log(JSON.stringify(await get('runs/get', `run_id=${id}`)))
for (const conc of [1, 32]) {
  const n = 4000
  let i = 0
  const cpu = process.cpuUsage()
  const t = performance.now()
  await Promise.all(
    Array.from({ length: conc }, async () => {
      while (i < n) {
        const s = i++
        await post('runs/log-metric', { run_id: id, key: `m${s % 10}`, value: s, timestamp: s, step: s })
      }
    }),
  )
  const c = process.cpuUsage(cpu)
  console.log(
    conc,
    'callers: log-metric',
    ((c.user + c.system) / n).toFixed(0),
    'µs CPU',
    (((performance.now() - t) * 1000) / n).toFixed(0),
    'µs wall',
  )
}
{
  const n = 30
  const cpu = process.cpuUsage()
  for (let k = 0; k < n; k++)
    await post('runs/log-batch', {
      run_id: id,
      metrics: Array.from({ length: 1000 }, (_, s) => ({
        key: 'loss',
        value: s,
        timestamp: k,
        step: s + k * 1000,
      })),
    })
  const c = process.cpuUsage(cpu)
  console.log('log-batch 1000 steps', ((c.user + c.system) / n / 1000).toFixed(2), 'ms CPU')
}
{
  const n = 30
  const cpu = process.cpuUsage()
  for (let k = 0; k < n; k++)
    await post('runs/log-batch', {
      run_id: id,
      metrics: Array.from({ length: 1000 }, (_, s) => ({ key: `k${s}`, value: s, timestamp: k, step: k })),
    })
  const c = process.cpuUsage(cpu)
  console.log('log-batch 1000 keys', ((c.user + c.system) / n / 1000).toFixed(2), 'ms CPU')
}
