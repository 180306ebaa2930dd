import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CHURN_ROW, eventually, removeFolder } from '../support/millwright.ts'
import { type Answer, failed, figure, inWords } from './asking.ts'
import { type Serving, startAgain, startServing } from './server.ts'

const GRACE_MS = 2_000
/** Sent so long after the signal, a request comes well within that time. */
const EARLY_MS = 1_000

const isRefused = ({ status, text }: Answer): boolean => status === 0 && text.includes('ECONNREFUSED')

async function loggedRows({ url }: Serving): Promise<Set<string>> {
  const answer = await fetch(`${url}/api/v1/predictions`, { headers: { accept: 'application/x-ndjson' } })
  const rows = (await answer.text()).trim().split('\n')
  return new Set(rows.map((row) => (JSON.parse(row) as { id: string }).id))
}

/** As a load balancer finds out. */
const untilNotReady = ({ url }: Serving): Promise<boolean> =>
  eventually(async () => {
    const { status } = await fetch(`${url}/health/ready`, { headers: { connection: 'close' } })
    return status === 503
  })

test('SIGTERM under load: who leaves when it is not ready loses nothing; what was taken is answered and logged, nothing else is; the exit code is 0', async () => {
  const server = await startServing({ env: { MILLWRIGHT_STOP_GRACE_MS: String(GRACE_MS) } })
  const rows = Array.from({ length: 500 }, (_, i) => ({ ...CHURN_ROW, total_orders: i }))
  const polite = [
    server.predictions({ perSecond: 200 }),
    server.predictions({ perSecond: 20, bodyOf: () => ({ rows }) }),
  ]
  const stubborn = server.predictions({ perSecond: 50 })
  await sleep(1_000)
  const stoppedAt = performance.now()
  const exited = server.stop('SIGTERM')
  await untilNotReady(server)
  const ofPolite = (await Promise.all(polite.map((asking) => asking.stop()))).flat()
  const code = await exited
  const ofStubborn = await stubborn.stop()
  const answers = [...ofPolite, ...ofStubborn]
  const ids = new Set(
    answers.flatMap(({ text }) => [...text.matchAll(/"id":"(prd_\w+)"/g)].map(([, id]) => id!)),
  )
  const again = await startAgain(server.data)
  const logged = await loggedRows(again)
  await again.stop()
  removeFolder(server.data)

  const early = ofStubborn.filter(({ sentAt }) => sentAt > stoppedAt && sentAt < stoppedAt + EARLY_MS)
  const reset = failed(ofStubborn).filter((answer) => !isRefused(answer))
  const unlogged = [...ids].filter((id) => !logged.has(id))
  const unanswered = [...logged].filter((id) => !ids.has(id))
  figure('SIGTERM under load, who leaves when it is not ready', inWords(ofPolite))
  figure(
    'SIGTERM under load, who does not',
    `${ofStubborn.length} requests, ${early.length} of them within a second after the signal, ${failed(early).length} of those failed; ${failed(ofStubborn).length - reset.length} refused, ${reset.length} reset in the end`,
  )
  figure(
    'SIGTERM under load, rows',
    `${ids.size} answered, ${unlogged.length} of them not in the log, ${unanswered.length} computed and not answered; exit code ${code}`,
  )
  expect(code).toBe(0)
  expect(early.length).toBeGreaterThan(0)
  expect([failed(ofPolite), failed(early)]).toEqual([[], []])
  // At most one a gateway came in the moment in which its port was closed.
  expect(reset.length).toBeLessThanOrEqual(2)
  expect([unlogged, unanswered]).toEqual([[], []])
})
