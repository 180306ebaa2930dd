import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, settled } from '../support/millwright.ts'
import { failed, figure, inWords } from './asking.ts'
import { kill, NET, NET_ROW, type Serving, startServing } from './server.ts'

/** kill -9 and standstill of each process of the tree, under load. */
let server: Serving
beforeAll(async () => {
  server = await startServing({ env: { MILLWRIGHT_ONNX_RUN_MS: '1000' } })
  await server.run('deploy', NET, '--name', 'net')
})
afterAll(() => server.end())

const askNet = (tries: number) =>
  server.predictions({
    ...{ path: '/api/v1/deployments/net/predict', perSecond: 50, tries },
    bodyOf: () => ({ row: NET_ROW }),
  })
const all = (): number[] => {
  const { control, gateways } = server.pids()
  return [...control, ...gateways]
}

test('control killed under load: nobody notices', async () => {
  const asking = server.predictions()
  await sleep(500)
  kill(server.pids().control[0]!)
  const killedAt = performance.now()
  await settled(server)
  const backMs = performance.now() - killedAt

  const answers = await asking.stop()

  figure('control killed', `${inWords(answers)}; back after ${backMs.toFixed(0)} ms`)
  expect(failed(answers)).toEqual([])
})

test('each gateway killed under load: whoever asks again is answered', async () => {
  for (const slot of [0, 1]) {
    const before = server.pids().gateways
    const asking = server.predictions({ tries: 6 })
    await sleep(500)
    kill(before[slot]!)
    const killedAt = performance.now()
    await eventually(async () => server.pids().gateways.length === 2 && all().length === 3)
    await settled(server)
    const backMs = performance.now() - killedAt

    const answers = await asking.stop()

    figure(`gateway ${slot} killed`, `${inWords(answers)}; back after ${backMs.toFixed(0)} ms`)
    expect(server.pids().gateways).not.toEqual(before)
    expect(failed(answers)).toEqual([])
  }
})

test('processes of an ONNX model killed under load: its requests are answered when asked again, others never notice', async () => {
  const [net, churn] = [askNet(6), server.predictions()]
  await sleep(500)
  for (let round = 0; round < 3; round++) {
    const hosts = await eventually(async () => {
      const found = server.hosts()
      return found.length === 2 && found
    })
    for (const pid of hosts) kill(pid)
    await sleep(500)
  }

  const [ofNet, ofChurn] = [await net.stop(), await churn.stop()]

  figure('ONNX processes killed', `the model: ${inWords(ofNet)}; another: ${inWords(ofChurn)}`)
  expect(failed(ofNet)).toEqual([])
  expect(failed(ofChurn)).toEqual([])
})

test('processes of an ONNX model that stand still are replaced at their deadline, others never notice', async () => {
  await eventually(async () => server.hosts().length === 2)
  const stopped = server.hosts()
  const [net, churn] = [askNet(1), server.predictions()]
  for (const pid of stopped) kill(pid, 'SIGSTOP')
  await eventually(async () => {
    const now = server.hosts()
    return now.length === 2 && now.every((pid) => !stopped.includes(pid))
  })
  const [ofNet, ofChurn] = [await net.stop(), await churn.stop()]
  const after = askNet(1)
  await sleep(500)
  const ofNetAfter = await after.stop()

  figure(
    'ONNX processes that stand still',
    `the model: ${inWords(ofNet)}, afterwards ${inWords(ofNetAfter)}; another: ${inWords(ofChurn)}`,
  )
  expect(failed(ofNet).filter(({ status }) => ![503, 504].includes(status))).toEqual([])
  expect(failed(ofNetAfter)).toEqual([])
  expect(failed(ofChurn)).toEqual([])
})
