import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from './packages/server/src/db/database.ts'
import { ensureDefaultExperiment } from './packages/server/src/tracking/experiments.ts'
import { putMetrics } from './packages/server/src/tracking/metrics.ts'
import { createRun, putParams, withData } from './packages/server/src/tracking/runs.ts'
import { searchRuns } from './packages/server/src/tracking/search.ts'

const N = Number(process.argv[2] ?? 10000)
const db = await openDatabase(join(mkdtempSync(join(tmpdir(), 'm-')), 'db'))
await ensureDefaultExperiment(db, 'mlflow-artifacts:/', Date.now())
let t = performance.now()
await db.transaction().execute(async (tx) => {
  for (let i = 0; i < N; i++) {
    const run = await createRun(tx, {
      experiment: '0',
      runId: `r${i.toString(16).padStart(31, '0')}`,
      userId: 'u',
      name: `n${i}`,
      startTime: i,
      tags: [{ key: 'mlflow.runName', value: `n${i}` }],
    })
    await putMetrics(
      tx,
      run.id,
      Array.from({ length: 10 }, (_, k) => ({
        key: `m${k}`,
        value: Math.sin(i * (k + 1)),
        timestamp: 1,
        step: 0,
      })),
    )
    await putParams(
      tx,
      run,
      Array.from({ length: 10 }, (_, k) => ({ key: `p${k}`, value: `${(i * (k + 3)) % 17}` })),
    )
  }
})
console.log('filled', N, (((performance.now() - t) / N) * 1000).toFixed(0), 'µs a run')
const q = async (name: string, query: object) => {
  const times: number[] = []
  let n = 0
  for (let i = 0; i < 7; i++) {
    const t = performance.now()
    const { rows } = await searchRuns(db, {
      experiments: [0],
      filter: '',
      orderBy: [],
      view: 'ACTIVE_ONLY',
      limit: 100,
      token: undefined,
      ...query,
    })
    const d = await withData(db, rows)
    n = d.length
    times.push(performance.now() - t)
  }
  console.log(name.padEnd(30), times.sort((a, b) => a - b)[3]!.toFixed(1), 'ms', n)
}
await q('newest 100', {})
await q('newest 1000', { limit: 1000 })
await q('filter metric+param', { filter: "metrics.m3 > 0.5 and params.p2 = '4'" })
await q('order by metric', { orderBy: ['metrics.m5 DESC'] })
await q('3 filters + order', {
  filter: "metrics.m3 > 0.5 and params.p2 = '4' and metrics.m1 < 0.9",
  orderBy: ['metrics.m5 DESC'],
})
t = performance.now()
let token: string | undefined
let n = 0
do {
  const r = await searchRuns(db, {
    experiments: [0],
    filter: '',
    orderBy: [],
    view: 'ACTIVE_ONLY',
    limit: 1000,
    token,
  })
  n += (await withData(db, r.rows)).length
  token = r.next
} while (token)
console.log('walk all', n, (performance.now() - t).toFixed(0), 'ms')
