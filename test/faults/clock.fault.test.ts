import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CHURN_ROW, eventually, settled, temporaryFolder } from '../support/millwright.ts'
import { failed, figure, inWords } from './asking.ts'
import { type Serving, startServing } from './server.ts'

const HOUR_MS = 3_600_000
const CLOCK = new URL('shifted-clock.mjs', import.meta.url).pathname

async function countsOf({ url }: Serving): Promise<{ misses: number; dropped: number }> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const sum = (pattern: RegExp): number =>
    [...text.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0)
  return {
    misses: sum(/^millwright_cache_lookups_total\{(?=.*result="miss").*\} (\d+)$/gm),
    dropped: sum(/^millwright_log_dropped_total\{.*\} (\d+)$/gm),
  }
}

/** When the predictions were made by the clock of their gateway, in hours from now; those that are found once. */
async function hoursOf({ url }: Serving, ids: ReadonlySet<string>): Promise<number[]> {
  const answer = await fetch(`${url}/api/v1/predictions`, { headers: { accept: 'application/x-ndjson' } })
  const rows = (await answer.text()).trim().split('\n')
  return rows
    .map((row) => JSON.parse(row) as { id: string; time: string })
    .filter(({ id }) => ids.has(id))
    .map(({ time }) => Math.round((Date.parse(time) - Date.now()) / HOUR_MS))
}

test('the clock of every process jumps an hour ahead, then two back: nothing expires, nothing is promoted, every row is found', async () => {
  const offset = join(temporaryFolder(), 'offset')
  const jump = (ms: number): void => {
    writeFileSync(`${offset}.next`, String(ms))
    renameSync(`${offset}.next`, offset)
  }
  jump(0)
  const env = { NODE_OPTIONS: `--import=${CLOCK}`, TEST_CLOCK_OFFSET: offset }
  const server = await startServing({ gateways: 1, env })
  await server.run('configure', 'churn', '--cache', 'ttl=600,max=1000')
  await server.change('rollout', { version: 2, weight: 50 })
  const asking = server.predictions({
    bodyOf: (n) => ({ row: { ...CHURN_ROW, days_since_last_order: n % 20 }, subject: `CUST_${n % 20}` }),
  })
  await sleep(1_000)
  const before = await countsOf(server)
  for (const ms of [HOUR_MS, -HOUR_MS]) {
    jump(ms)
    await sleep(1_000)
  }
  const answers = await asking.stop()
  const after = await countsOf(server)
  await settled(server, 1)
  const ids = answers.map(({ text }) => /"id":"(prd_\w+)"/.exec(text)![1]!)
  const status = await server.run('status')
  const hours = await eventually(async () => {
    const all = await hoursOf(server, new Set(ids))
    return all.length >= ids.length && all
  })
  const promoted = await server.change('abort')
  await server.end()

  figure(
    'clock jumps of +1 h and −2 h',
    `${inWords(answers)}; ${after.misses - before.misses} answers of the cache expired, ${new Set(ids).size} different ids of ${ids.length}, ${hours.length} found in the log, ${after.dropped} dropped`,
  )
  expect(new Set(hours)).toEqual(new Set([0, 1, -1]))
  expect(hours.length).toBe(ids.length)
  expect(failed(answers)).toEqual([])
  expect(after).toEqual({ misses: before.misses, dropped: 0 })
  expect(new Set(ids).size).toBe(ids.length)
  expect(status).toContain('churn@1 + @2 50 %')
  expect(promoted.status).toBe(200)
})
