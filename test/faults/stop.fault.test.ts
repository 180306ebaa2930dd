import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CHURN_ROW, removeFolder } from '../support/millwright.ts'
import { type Answer, figure } from './asking.ts'
import { type Serving, startAgain, startServing } from './server.ts'

const isRefused = ({ status, text }: Answer): boolean => status === 0 && text.includes('ECONNREFUSED')

async function loggedRows({ url }: Serving): Promise<Set<string>> {
  const answer = await fetch(`${url}/api/v1/predictions`, { headers: { accept: 'application/x-ndjson' } })
  const rows = (await answer.text()).trim().split('\n')
  return new Set(rows.map((row) => (JSON.parse(row) as { id: string }).id))
}

test('SIGTERM under load: what was taken is answered and logged, nothing else is, and the exit code is 0', async () => {
  const server = await startServing()
  const rows = Array.from({ length: 500 }, (_, i) => ({ ...CHURN_ROW, total_orders: i }))
  const single = server.predictions({ perSecond: 200 })
  const large = server.predictions({ perSecond: 20, bodyOf: () => ({ rows }) })
  await sleep(1_000)
  const code = await server.stop('SIGTERM')
  const answers = [...(await single.stop()), ...(await large.stop())]
  const answered = answers.filter(({ status }) => status === 200)
  const refused = answers.filter(isRefused)
  const reset = answers.filter((answer) => answer.status === 0 && !isRefused(answer))
  const ids = new Set(
    answered.flatMap(({ text }) => [...text.matchAll(/"id":"(prd_\w+)"/g)].map(([, id]) => id!)),
  )
  const again = await startAgain(server.data)
  const logged = await loggedRows(again)
  await again.stop()
  removeFolder(server.data)

  const unlogged = [...ids].filter((id) => !logged.has(id))
  const unanswered = [...logged].filter((id) => !ids.has(id))
  figure(
    'SIGTERM under load',
    `${answers.length} requests, ${answered.length} answered, ${refused.length} refused, ${reset.length} reset before they were taken; ${ids.size} rows answered, ${unlogged.length} of them not in the log, ${unanswered.length} computed and not answered; exit code ${code}`,
  )
  expect(code).toBe(0)
  expect(answered.length).toBeGreaterThan(0)
  expect(answers.length).toBe(answered.length + refused.length + reset.length)
  expect([unlogged, unanswered]).toEqual([[], []])
})
