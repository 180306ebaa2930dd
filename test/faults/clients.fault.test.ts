import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CHURN_ROW, eventually } from '../support/millwright.ts'
import { rawPost } from '../support/raw.ts'
import { failed, figure, inWords } from './asking.ts'
import { type Serving, startServing } from './server.ts'

const CLIENTS = 200
const PREDICT = '/api/v1/deployments/churn/predict'

let server: Serving
beforeAll(async () => {
  server = await startServing()
})
afterAll(() => server.end())

const openFiles = (): number =>
  server.pids().gateways.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0)

async function opened(): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** What each does until it is told to go. */
const BAD: Readonly<Record<string, (socket: Socket) => void>> = {
  'say nothing': () => {},
  'send a byte now and then': (socket) => {
    const body = rawPost(PREDICT, JSON.stringify({ row: CHURN_ROW }))
    let at = 0
    const timer = setInterval(() => socket.write(body[at++]!), 100)
    socket.once('close', () => clearInterval(timer))
  },
  'ask for much and read nothing': (socket) => {
    socket.pause()
    const rows = Array.from({ length: 500 }, () => CHURN_ROW)
    socket.write(rawPost(PREDICT, JSON.stringify({ rows })))
  },
  'go away in the middle of their request': (socket) => {
    socket.write(rawPost(PREDICT, JSON.stringify({ row: CHURN_ROW })).slice(0, -20))
    setTimeout(() => socket.resetAndDestroy(), 300)
  },
}

test.each(Object.entries(BAD))(
  '%s: 200 clients that do so disturb nobody, and nothing is kept of them',
  async (name, act) => {
    const before = openFiles()
    const sockets = await Promise.all(Array.from({ length: CLIENTS }, opened))
    const most = await eventually(async () => {
      const now = openFiles()
      return now >= before + CLIENTS && now
    })
    const asking = server.predictions()
    for (const socket of sockets) act(socket)
    await sleep(1_500)
    const answers = await asking.stop()
    for (const socket of sockets) socket.destroy()
    const left = await eventually(async () => {
      const now = openFiles()
      return now <= before + 4 && now
    }, 30_000)

    figure(
      `${CLIENTS} clients that ${name}`,
      `${inWords(answers)}; open files ${before}, with them ${most}, afterwards ${left}`,
    )
    expect(failed(answers)).toEqual([])
  },
)
