import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Running, removeFolder, startMillwright } from '../support/millwright.ts'

const ROW = { days_since_last_order: 45, total_orders: 12, lifetime_value: 567.89, email_open_rate: 0.35 }
const PATH = '/api/v1/deployments/churn/predict'

let millwright: Running
beforeAll(async () => {
  millwright = await startMillwright({ args: ['--deploy', 'examples/churn'] })
}, 60_000)
afterAll(async () => {
  await millwright.stop()
  removeFolder(millwright.data)
})

const post = (path: string, body: object): Promise<Response> =>
  fetch(`${millwright.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(body),
  })

/** Asks until someone answers: a killed gateway takes the connections it had with it. */
async function persist<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (attempt === 100) throw error
      await sleep(100)
    }
  }
}

test('every accepted request is answered, whatever gateway is killed', { timeout: 180_000 }, async () => {
  const expected = await persist(async () => {
    const answer = await post(PATH, { row: ROW, id: 'x' })
    if (answer.status !== 200) throw new Error(`not deployed yet: ${answer.status}`)
    return answer.json()
  })
  const accepted: string[] = []
  const send = async (): Promise<void> => {
    for (let index = 0; index < 60; index++) {
      const answer = await post(`${PATH}?async=1`, { row: ROW, id: 'x' }).catch(() => undefined)
      if (answer?.status === 202) accepted.push(((await answer.json()) as { id: string }).id)
      else await sleep(20)
    }
  }
  const kill = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      await sleep(400)
      for (const pid of millwright.pids().gateways) process.kill(pid, 'SIGKILL')
    }
  }

  await Promise.all([send(), send(), send(), kill()])
  const answers = []
  for (const id of accepted)
    answers.push(
      await persist(async () => {
        const answer = await fetch(`${millwright.url}/api/v1/deployments/churn/jobs/${id}?wait=10`, {
          headers: { connection: 'close' },
        })
        const json = (await answer.json()) as { state: string; status: number; answer: unknown }
        if (json.state !== 'done') throw new Error(`job ${id}: ${answer.status}`)
        return json
      }),
    )

  const lost = answers.filter(({ status }) => status !== 200).length
  console.log(`▸ jobs accepted while gateways are killed: ${accepted.length}, ${lost} without their answer`)
  expect(accepted.length).toBeGreaterThan(20)
  for (const { status, answer } of answers) expect([status, answer]).toEqual([200, expected])
})
