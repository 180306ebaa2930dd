import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Control } from '../control/open.ts'
import { openTestControl, temporaryFolder } from '../control/testing.ts'
import { layoutOf } from '../layout.ts'
import { createRun, findRow, putParams } from '../tracking/runs.ts'
import { createRunTexts } from './run-texts.ts'

/** On SQLite: with PostgreSQL nothing is remembered. */
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let control: Control

beforeAll(async () => {
  folder = await temporaryFolder()
  control = await openTestControl(folder.path, { database: layoutOf(folder.path).database })
})
afterAll(async () => {
  await control.close()
  await folder[Symbol.asyncDispose]()
})

let made = 0
async function makeRun() {
  const { db } = control.context
  const runId = `run${++made}`
  await createRun(db, { experiment: '0', runId, userId: '', name: 'n', startTime: 0, tags: [] })
  return {
    runId,
    row: () => findRow(db, runId),
    log: async (value: string) => putParams(db, await findRow(db, runId), [{ key: value, value }]),
  }
}
const paramsIn = (text: string): unknown =>
  JSON.parse(text).data.params?.map(({ key }: { key: string }) => key)

test('a run is read once, and again when something was logged to it', async () => {
  const { db } = control.context
  const texts = createRunTexts(1_000_000)
  const run = await makeRun()
  const read = async () => paramsIn((await texts.textsOf(db, [await run.row()]))[0]!.text)

  await run.log('a')
  const first = await read()
  await run.log('b')
  const remembered = await read()
  texts.forget(run.runId)

  expect([first, remembered, await read()]).toEqual([['a'], ['a'], ['a', 'b']])
})

test('what was read before a change is not remembered after it', async () => {
  const { db } = control.context
  const texts = createRunTexts(1_000_000)
  const run = await makeRun()
  const row = await run.row()

  const reading = texts.textsOf(db, [row])
  texts.forget(run.runId)
  await reading
  await run.log('late')

  expect(paramsIn((await texts.textsOf(db, [row]))[0]!.text)).toEqual(['late'])
})

test('what was used last is remembered longest', async () => {
  const { db } = control.context
  const [a, b, c] = [await makeRun(), await makeRun(), await makeRun()]
  const texts = createRunTexts(80)
  const read = async (run: typeof a) => paramsIn((await texts.textsOf(db, [await run.row()]))[0]!.text)

  await read(a)
  await read(b)
  await read(a)
  await read(c)
  await a.log('x')
  await b.log('x')

  expect([await read(a), await read(b)]).toEqual([undefined, ['x']])
})

test('callers never see less than what was acknowledged to them', async () => {
  const ask = async (method: 'GET' | 'POST', path: string, payload?: object) =>
    (await control.app.inject({ method, url: `/api/2.0/mlflow/${path}`, ...(payload && { payload }) })).json()
  const { run } = await ask('POST', 'runs/create', { experiment_id: '0' })
  const id = run.info.run_id as string
  const seen = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      await ask('POST', 'runs/log-metric', { run_id: id, key: `k${i}`, value: i, timestamp: 0 })
      const { data } = (await ask('GET', `runs/get?run_id=${id}`)).run
      return data.metrics.some(({ key }: { key: string }) => key === `k${i}`)
    }),
  )

  expect(seen).toEqual(seen.map(() => true))
})
