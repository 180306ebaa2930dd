import { writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { identity } from '../../packages/engine/test/onnx-file.ts'
import { eventually, settled, temporaryFolder } from '../support/millwright.ts'
import { ask, figure, keepCalling } from './asking.ts'
import { kill, type Serving, startServing } from './server.ts'

const ROUNDS = 3
const CALLERS = 32
/** Fewer than the rows, so that some answers are remembered, some dropped and computed again. */
const REMEMBERED = 500
const TAGS = 2_000
const OFTEN = 99
const CUSTOMERS = 40

let server: Serving
beforeAll(async () => {
  const file = join(temporaryFolder(), 'echo.onnx')
  writeFileSync(file, identity())
  server = await startServing({ env: { MILLWRIGHT_BATCH_WAIT_MS: '2' } })
  await server.run('deploy', file, '--name', 'echo')
  await server.run('configure', 'echo', '--cache', `ttl=60,max=${REMEMBERED}`)
})
afterAll(() => server.end())

/** Both numbers say whose request it is: the model gives them back. Every third is one of a few that come often. */
function tagOf(n: number): [number, number] {
  const tag = n % (n % 3 === 0 ? OFTEN : TAGS)
  return [tag, -((tag * 7) % TAGS)]
}

test('no request gets the answer of another, in batches, from the cache, and while processes are killed', async () => {
  const counts = { answered: 0, wrong: 0, failed: 0, again: 0 }
  const path = '/api/v1/deployments/echo/predict'
  const bodyOf = (n: number) => ({ row: { 'x[0]': tagOf(n)[0], 'x[1]': tagOf(n)[1] } })
  const calling = keepCalling({ port: server.port, path, bodyOf, tries: 8 }, CALLERS, (answer, n) => {
    if (answer.tries > 1) counts.again += 1
    if (answer.status !== 200) counts.failed += 1
    else {
      counts.answered += 1
      const { prediction } = JSON.parse(answer.text) as { prediction: { prediction: number[] } }
      if (`${prediction.prediction}` !== `${tagOf(n)}`) counts.wrong += 1
    }
  })
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(1_500)
    const hosts = await eventually(async () => server.hosts().length === 2 && server.hosts())
    kill(hosts[round % 2]!)
    await sleep(1_500)
    kill(server.pids().gateways[round % 2]!)
    await settled(server)
  }
  // All callers may have been at the gateway killed last: its counts are gone, and the other's begin with their next tries.
  const { hits, runs, rows } = await eventually(async () => {
    const metrics = await (await fetch(`${server.url}/metrics`, { headers: { connection: 'close' } })).text()
    const countOf = (pattern: RegExp) => Number(pattern.exec(metrics)?.[1] ?? 0)
    const hits = countOf(/^millwright_cache_lookups_total\{(?=.*deployment="echo").*result="hit".*\} (\d+)$/m)
    const runs = countOf(/^millwright_batch_rows_count (\d+)$/m)
    const rows = countOf(/^millwright_batch_rows_sum (\d+)$/m)
    // Or it proves nothing of caches and batches.
    return hits > 0 && rows > runs && { hits, runs, rows }
  })
  await calling.stop()

  figure(
    'tagged requests',
    `${counts.answered} answered, ${counts.wrong} with another's answer, ${counts.again} tried again, ${counts.failed} failed; of the processes at the end ${hits} from the cache, ${rows} rows in ${runs} runs`,
  )
  expect(counts).toMatchObject({ wrong: 0, failed: 0 })
  expect(counts.answered).toBeGreaterThan(1_000)
})

type Logged = {
  readonly variant: string
  readonly outputs: { readonly probabilities: Readonly<Record<string, number>> }
}
type Prediction = { readonly id: string; readonly probabilities: Readonly<Record<string, number>> }

test('alone, in a batch, later, and as a shadow a row has the same answer to the bit', async () => {
  const agent = new Agent({ keepAlive: true })
  const rows = Array.from({ length: CUSTOMERS }, (_, i) => ({
    ...{ days_since_last_order: i * 7, total_orders: (i * 3) % 40 },
    ...{ lifetime_value: i * 33.37, email_open_rate: (i % 10) / 10 },
  }))
  const post = async (body: unknown, query = '') => {
    const path = `/api/v1/deployments/churn/predict${query}`
    return JSON.parse((await ask(agent, { port: server.port, path, bodyOf: () => body }, 0)).text)
  }
  const probabilitiesOf = ({ probabilities }: Prediction) => probabilities
  await server.run('shadow', 'churn', '--version', '2', '--percent', '100')
  const alone = await Promise.all(rows.map(async (row) => (await post({ row })).prediction as Prediction))
  await server.run('abort', 'churn')
  const together = (await post({ rows })).predictions as Prediction[]
  const later = await Promise.all(
    rows.map(async (row) => {
      const { url } = await post({ row }, '?async=1')
      const job = await (await fetch(`${server.url}${url}?wait=30`)).json()
      return (job as { answer: { prediction: Prediction } }).answer.prediction
    }),
  )
  await server.run('promote', 'churn', '2')
  const second = (await post({ rows })).predictions as Prediction[]
  const shadows = await Promise.all(
    alone.map(({ id }) =>
      eventually(async () => {
        const answer = await fetch(`${server.url}/api/v1/predictions?id=${id}`)
        const { data } = (await answer.json()) as { data: Logged[] }
        return data.find(({ variant }) => variant === 'shadow')
      }),
    ),
  )
  agent.destroy()

  figure('one row, four ways', `${rows.length} rows alone, together, later and as a shadow: the same bits`)
  expect(together.map(probabilitiesOf)).toEqual(alone.map(probabilitiesOf))
  expect(later.map(probabilitiesOf)).toEqual(alone.map(probabilitiesOf))
  expect(shadows.map(({ outputs }) => outputs.probabilities)).toEqual(second.map(probabilitiesOf))
  expect(second.map(probabilitiesOf)).not.toEqual(alone.map(probabilitiesOf))
})
