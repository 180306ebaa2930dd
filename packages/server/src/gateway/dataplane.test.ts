import type { Executable } from '@millwright/engine'
import { openPool } from '@millwright/runtime/pool'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  churnDeployment,
  createDataFolder,
  HOST_LIMITS,
  removeDataFolder,
  storeChurn,
} from '../../test/gateway.ts'
import { folderBlobs } from '../blobs/folder.ts'
import { createIdSource } from '../ids.ts'
import { decodeRows } from '../segments/block.ts'
import type { Payload } from '../segments/format.ts'
import type { LoggedRow } from '../segments/record.ts'
import { createDataplane } from './dataplane.ts'
import { loadProgram } from './load-model.ts'
import { createMetrics } from './metrics.ts'
import { isFailed, type PredictedRow } from './predicted-row.ts'
import { listOfRows, SingleRow } from './rows.ts'
import { buildServed, type LoadedProgram } from './served.ts'

const rowOf = (days: number) => ({
  ...{ days_since_last_order: days, total_orders: 3, lifetime_value: 120 },
  email_open_rate: 0.2,
})

let layout: Awaited<ReturnType<typeof createDataFolder>>
let program: LoadedProgram
let deployment: Awaited<ReturnType<typeof churnDeployment>>

beforeAll(async () => {
  layout = await createDataFolder()
  deployment = await churnDeployment(await storeChurn(layout, 'v2'))
  program = await loadProgram(folderBlobs(layout.blobs, layout.incoming), deployment.version.program, {
    hostLimits: HOST_LIMITS,
    pool: openPool({ threads: 1, runMs: 10_000 }),
    batchWaitMs: 0,
    onBatch: undefined,
  })
})
afterAll(() => removeDataFolder(layout))

const serve = (changes: Partial<LoadedProgram> = {}) =>
  buildServed(deployment, { ...program, ...changes }, createMetrics({ version: 'test' }))

function openPlane() {
  const logged: LoggedRow[] = []
  const append = (payload: Payload) => logged.push(...decodeRows(Buffer.from(payload))!)
  return { logged, plane: createDataplane({ ids: createIdSource(), log: { append } }) }
}

const asked = (rows: number) => ({
  rows: listOfRows(Array.from({ length: rows }, (_, index) => rowOf(index))),
  ...{ requestId: 'r', startedAt: performance.now(), manners: 'strict' as const },
  ...{ outputs: undefined, ids: undefined, subjects: undefined, signal: undefined, span: undefined },
})
const scores = (results: readonly object[]) =>
  results.map((result) => (result as PredictedRow).decided?.score)

describe('a slow model', () => {
  test('is given few rows at a time, with other requests let in between', async () => {
    const runs: { rows: number; turn: number }[] = []
    let turn = 0
    const count = () => {
      turn += 1
      counting = setImmediate(count)
    }
    let counting = setImmediate(count)
    const { engine } = program
    if (engine.kind !== 'inline') throw new Error('the churn model is compiled')
    const executable: Executable = {
      program: program.program,
      run(frame, outputs) {
        runs.push({ rows: frame.rows, turn })
        return engine.executable.run(frame, outputs)
      },
    }

    await openPlane().plane.infer(
      serve({ engine: { kind: 'inline', executable }, rowMicroseconds: 1000 }),
      asked(12),
    )
    clearImmediate(counting)

    expect(runs.map((run) => run.rows)).toEqual([5, 5, 2])
    expect(new Set(runs.map((run) => run.turn)).size).toBe(3)
  })

  test('has its cost measured when it is loaded', () => {
    expect(program.rowMicroseconds).toBeGreaterThanOrEqual(1)
    expect(serve({ rowMicroseconds: 1 }).blockRows).toBe(256)
    expect(serve({ rowMicroseconds: 1e9 }).blockRows).toBe(1)
  })
})

test('requests that are answered side by side do not mix', async () => {
  const { plane, logged } = openPlane()
  const served = serve({ rowMicroseconds: 1000 })
  const alone = scores(plane.inferNow(served, asked(40)))

  const together = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const batch = plane.infer(served, asked(40))
      const one = plane.inferNow(served, { ...asked(1), rows: new SingleRow(rowOf(index), []) })
      return { batch: scores(await batch), one: scores(one) }
    }),
  )

  for (const [index, { batch, one }] of together.entries()) {
    expect(batch).toEqual(alone)
    expect(one).toEqual([alone[index]])
  }
  expect(logged).toHaveLength(40 + 20 * 41)
  expect(new Set(alone).size).toBeGreaterThan(5)
})

test('rows answered together are logged as if each had been asked alone', async () => {
  const { plane, logged } = openPlane()
  const served = serve()
  const outputs = ['predict_log_proba'] as const
  const subjects = Array.from({ length: 40 }, (_, index) => `customer ${index}`)
  const results = plane.inferNow(served, { ...asked(40), outputs, subjects })
  const together = logged.splice(0)
  for (let index = 0; index < 40; index++)
    plane.inferNow(served, {
      ...{ ...asked(1), rows: new SingleRow(rowOf(index), []), outputs },
      ...{ ids: [results[index]!.id], subjects: [subjects[index]!] },
    })
  const shared = { timeMs: 0, latencyUs: 0 }

  expect(together.map((row) => ({ ...row, ...shared }))).toEqual(logged.map((row) => ({ ...row, ...shared })))
})

test('bad rows among good ones leave the others their ids', () => {
  const { plane, logged } = openPlane()
  const rows = [0, 1, 2, 3, 4].map((index) => (index === 2 ? {} : rowOf(index)))
  const results = plane.inferNow(serve(), { ...asked(5), rows: listOfRows(rows) })

  expect(logged.map(({ id }) => id)).toEqual(results.filter((row) => !isFailed(row)).map(({ id }) => id))
  expect(new Set(results.map(({ id }) => id)).size).toBe(5)
})
