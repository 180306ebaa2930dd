import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  CHURN_PREDICT,
  CHURN_ROW,
  createChurnFolder,
  type createDataFolder,
  type Limits,
  openGateway,
  removeDataFolder,
} from '../../../test/gateway.ts'
import { createJobStore } from './store.ts'

const JOBS = '/api/v1/deployments/churn/jobs'

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
const opened: (typeof gateway)[] = []

beforeAll(async () => {
  layout = await createChurnFolder()
})
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(() => removeDataFolder(layout))

async function open(limits: Limits = {}) {
  gateway = await openGateway(layout, limits)
  opened.push(gateway)
  return gateway
}

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  gateway.ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

async function answerTo(id: string) {
  const answer = await gateway.ask(`${JOBS}/${id}?wait=20`)
  return { status: answer.status, json: answer.json() }
}

test.each([
  ['a query', `${CHURN_PREDICT}?async=1`, {}],
  ['a query among others', `${CHURN_PREDICT}?a=b&async=true&c=d`, {}],
  ['a header', CHURN_PREDICT, { prefer: 'wait=5, respond-async' }],
])('a request is answered later when %s says so, as it would have been at once', async (_, path, headers) => {
  await open()
  await gateway.jobs.start(gateway.answer)

  const accepted = await post(path, { row: CHURN_ROW, id: 'own' }, headers)
  const { id, state } = accepted.json()
  const { status, json } = await answerTo(id)

  expect([accepted.status, state]).toEqual([202, 'pending'])
  expect(accepted.headers.get('location')).toBe(`${JOBS}/${id}`)
  expect([status, json.state, json.status, json.attempts]).toEqual([200, 'done', 200, 1])
  expect(json.answer).toEqual((await post(CHURN_PREDICT, { row: CHURN_ROW, id: 'own' })).json())
})

test('it is asked as it was, but for who asked: its headers choose the version, and those of the answer are kept', async () => {
  await open()
  const { id } = (
    await post(
      '/v2/models/churn/infer?async=1',
      {
        inputs: Object.entries(CHURN_ROW).map(([name, value]) => ({
          name,
          datatype: 'FP64',
          shape: [1],
          data: [value],
        })),
        parameters: { binary_data_output: true },
      },
      {
        'x-millwright-unit': 'C-7',
        'x-request-timeout-ms': '60000',
        authorization: 'Bearer secret',
        'x-api-key': 'secret',
      },
    )
  ).json()
  const [file] = await readdir(join(layout.jobs, '0'))
  const [head] = (await readFile(join(layout.jobs, '0', file!), 'utf8')).split('\n')
  await gateway.jobs.start(gateway.answer)
  const { json } = await answerTo(id)
  const bytes = Buffer.from(json.answer.base64, 'base64')
  const jsonBytes = Number(json.headers['inference-header-content-length'])

  expect(JSON.parse(head!)).toMatchObject({
    headers: { 'content-type': 'application/json', 'x-millwright-unit': 'C-7' },
  })
  expect(head).not.toMatch(/secret|timeout/)
  expect(JSON.parse(bytes.toString('utf8', 0, jsonBytes)).outputs[0].parameters).toEqual({
    binary_data_size: 8,
  })
})

test('a job is its deployment’s alone', async () => {
  await open()
  const { id } = (await post(`${CHURN_PREDICT}?async=1`, { row: CHURN_ROW })).json()

  expect((await gateway.ask(`/api/v1/deployments/other/jobs/${id}`)).status).toBe(404)
  await gateway.jobs.start(gateway.answer)
  await answerTo(id)
  expect((await gateway.ask(`/api/v1/deployments/other/jobs/${id}`)).status).toBe(404)
})

test('a bad request is accepted, and its answer says what is wrong', async () => {
  await open()
  await gateway.jobs.start(gateway.answer)

  const { id } = (await post(`${CHURN_PREDICT}?async=1`, { row: {} })).json()

  expect((await answerTo(id)).json).toMatchObject({ status: 400, answer: { code: 'VALIDATION_FAILED' } })
})

test('what was accepted is answered by the process that comes after', async () => {
  await open()
  const ids: string[] = []
  for (let index = 0; index < 5; index++)
    ids.push((await post(`${CHURN_PREDICT}?async=1`, { row: CHURN_ROW })).json().id)
  expect((await gateway.ask(`${JOBS}/${ids[0]}`)).status).toBe(202)
  await opened.pop()!.close()

  await open()
  await gateway.jobs.start(gateway.answer)

  for (const id of ids) expect((await answerTo(id)).json).toMatchObject({ status: 200, attempts: 1 })
  await expect.poll(() => readdir(join(layout.jobs, '0'))).toEqual([])
})

test('a job of which processes die is answered with an error', async () => {
  await open()
  const { id } = (await post(`${CHURN_PREDICT}?async=1`, { row: CHURN_ROW })).json()
  await opened.pop()!.close()
  const store = createJobStore({ folder: layout.jobs, slot: 0, slots: 1 })
  for (let attempt = 0; attempt < 3; attempt++) await store.begin(id)

  await open()
  await gateway.jobs.start(gateway.answer)

  expect((await answerTo(id)).json).toMatchObject({
    status: 500,
    attempts: 4,
    answer: { code: 'JOB_FAILED' },
  })
})

test('jobs of gateways that are no more are taken over', async () => {
  const gone = createJobStore({ folder: layout.jobs, slot: 3, slots: 4 })
  const id = 'job_01KBBBBBBBBBBBBBBBBBBBBBBB'
  const headers = { 'content-type': 'application/json' }
  const job = { id, deployment: 'churn', url: CHURN_PREDICT, headers, acceptedAt: 0, webhook: undefined }
  await gone.accept(job, Buffer.from(JSON.stringify({ row: CHURN_ROW })))

  await open()
  await gateway.jobs.start(gateway.answer)

  expect((await answerTo(id)).json).toMatchObject({ status: 200 })
})

test('a job has one answer, the first', async () => {
  await open()
  const store = createJobStore({ folder: layout.jobs, slot: 0, slots: 1 })
  const result = {
    id: 'job_01KAAAAAAAAAAAAAAAAAAAAAAA',
    deployment: 'churn',
    headers: {},
    acceptedAt: 0,
    doneAt: 0,
    type: 'text/plain',
    attempts: 1,
  }

  const first = await store.finish({ ...result, status: 200 }, Buffer.from('"first"'))
  const second = await store.finish({ ...result, status: 500 }, Buffer.from('"second"'))

  expect([first, second]).toEqual([true, false])
  expect((await answerTo(result.id)).json).toMatchObject({ status: 200, answer: 'first' })
})

test('more jobs than may wait are refused', async () => {
  await open({ maxJobs: 2 })

  const answers = []
  for (let index = 0; index < 3; index++)
    answers.push(await post(`${CHURN_PREDICT}?async=1`, { row: CHURN_ROW }))

  expect(answers.map(({ status }) => status)).toEqual([202, 202, 503])
  expect(answers[2]!.json()).toMatchObject({ code: 'JOB_QUEUE_FULL', retryable: true })
})

test.each(['job_01KZZZZZZZZZZZZZZZZZZZZZZZ', 'job_1', '..%2Frouting.json'])(
  'there is no job %s',
  async (id) => {
    await open()
    await writeFile(join(layout.root, 'job_1'), '{}\n')

    expect((await gateway.ask(`${JOBS}/${id}`)).status).toBe(404)
  },
)

/** A receiver that refuses the first delivery. */
async function receiver() {
  const taken: { headers: IncomingMessage['headers']; text: string }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    taken.push({ headers: request.headers, text: Buffer.concat(chunks).toString() })
    response.writeHead(taken.length === 1 ? 503 : 204).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, taken, server }
}

test('an answer is posted to its webhook, signed, and again when it was not taken', async () => {
  const { host, taken, server } = await receiver()
  await open({ webhookHosts: [host] })
  await gateway.jobs.start(gateway.answer)

  const { id } = (
    await post(
      `${CHURN_PREDICT}?async=1`,
      { row: CHURN_ROW },
      { 'x-millwright-webhook': `http://${host}/in` },
    )
  ).json()
  while (taken.length < 2) await new Promise((resolve) => setTimeout(resolve, 20))
  server.close()

  const { headers, text } = taken[1]!
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
  const signature = createHmac('sha256', 'secret').update(signed).digest('base64')
  expect(headers).toMatchObject({ 'webhook-id': id, 'webhook-signature': `v1,${signature}` })
  expect(JSON.parse(text)).toMatchObject({ type: 'job.done', data: { id, status: 200 } })
})

test.each([
  'http://127.0.0.1:9/x',
  'file:///etc/passwd',
  'http://2130706433/',
  'http://a@hooks.test/',
  'nonsense',
])('answers are not posted to %s', async (webhook) => {
  await open({ webhookHosts: ['hooks.test'] })

  const answer = await post(
    `${CHURN_PREDICT}?async=1`,
    { row: CHURN_ROW },
    { 'x-millwright-webhook': webhook },
  )

  expect([answer.status, answer.json().code]).toEqual([400, 'WEBHOOK_REFUSED'])
})
