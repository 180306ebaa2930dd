import { createHmac } from 'node:crypto'
import { readdirSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import { expect } from 'vitest'
import { createSecret } from '../../packages/server/src/access/secret.ts'
import { eventually } from '../support/millwright.ts'
import { rawPost } from '../support/raw.ts'
import { type Attack, countByStatus, expectRefusals, get, plainPost, type Refusal } from './attack.ts'
import { fixture, predictRows, register, serve } from './registry.ts'
import {
  BODY,
  JSON_TYPE,
  MOST_WRONG_KEYS,
  PREDICT,
  ROW,
  readProc,
  type Target,
  treeOf,
  WEBHOOK_SECRET,
} from './target.ts'

/** S53–S62: what is told, who is believed, and what a model can reach. */

/** A body, and headers beside it. */
type Sent = Readonly<Record<string, unknown>> & { readonly headers?: Readonly<Record<string, string>> }

const json = (target: Target, method: string, path: string, { headers, ...body }: Sent) =>
  target.ask(method, path, { headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) })

/** Children of the gateways: hosts of ONNX models. */
const hosts = ({ running }: Target): number[] =>
  running.pids().gateways.flatMap((gateway) => treeOf(gateway).filter((pid) => pid !== gateway))

/** What a descriptor is of; nothing when it was closed meanwhile. */
function readLink(path: string): string[] {
  try {
    return [readlinkSync(path)]
  } catch {
    return []
  }
}

const PERSON = 'ada.lovelace@example.org'

export const INFORMATION: readonly Attack[] = [
  {
    number: 53,
    words: 'what a row says is in no log and no file but the prediction log, and names lead out of no folder',
    run: async (targets) => {
      await expectRefusals(targets, [
        [
          'a value',
          rawPost(PREDICT, JSON.stringify({ row: { ...JSON.parse(ROW), total_orders: PERSON } })),
          400,
        ],
        ['a field', rawPost(PREDICT, JSON.stringify({ row: { ...JSON.parse(ROW), [PERSON]: 1 } })), 400],
        ['broken JSON', rawPost(PREDICT, `{"row":{"email":"${PERSON}"`), 400],
        ['a query', get(`/api/v1/nothing?email=${PERSON}`), 404],
        ['V1', rawPost('/v1/models/churn:predict', JSON.stringify({ instances: [{ email: PERSON }] })), 400],
        ['the log of a deployment elsewhere', get('/api/v1/predictions?deployment=..%2f..%2f&limit=5'), 400],
      ])
      const broken = (await targets.send(rawPost(PREDICT, `{"row":{"email":"${PERSON}"`), { answers: 1 }))[0]!

      expect(broken.body).not.toContain(PERSON)
      expect(targets.running.output()).not.toContain(PERSON)
    },
  },
  {
    number: 55,
    words:
      'a caller finds no arm by trying units: the split is by the deployment’s own salt, and an arm that is not there is refused',
    run: async (targets) => {
      const variant = (name: string): Refusal => [
        name,
        rawPost('/api/v1/deployments/split/predict', BODY, [`x-millwright-variant: ${name}`]),
        400,
      ]
      await serve(targets, 'split', fixture('examples/churn/models/churn_model_v2.pkl'))
      const { number } = await register(targets, 'split', fixture('examples/churn/models/churn_model_v3.pkl'))
      await json(targets, 'POST', '/api/v1/deployments/split/rollout', { version: number, weight: 50 })
      await expectRefusals(
        targets,
        ['__proto__', 'constructor', 'toString', 'other', 'x'.repeat(4_000)].map(variant),
      )
      const arms = []
      for (const unit of ['u'.repeat(8_000), '', 'same', 'same'])
        arms.push(
          (
            await json(targets, 'POST', '/api/v1/deployments/split/predict', {
              row: JSON.parse(ROW),
              headers: { 'x-millwright-unit': unit },
            })
          ).headers.get('x-millwright-variant'),
        )

      expect(arms.slice(0, 2)).toEqual(['stable', 'stable'])
      expect(arms[2]).toBe(arms[3])
      await json(targets, 'POST', '/api/v1/deployments/split/abort', {})
    },
  },
  {
    number: 56,
    words: 'an answer that is posted is signed with its time and an id of its own, and is posted once',
    run: async (targets) => {
      const posted: { headers: Record<string, unknown>; body: string }[] = []
      const server = createServer((request, response) => {
        let body = ''
        request.on('data', (chunk) => {
          body += chunk
        })
        request.on('end', () => {
          posted.push({ headers: request.headers, body })
          response.writeHead(302, { location: `http://127.0.0.1:${targets.port}/api/v1/models` }).end()
        })
      })
      await new Promise<void>((resolve) => server.listen(targets.hookPort, 'localhost', resolve))
      await json(targets, 'POST', `${PREDICT}?async=1`, {
        row: JSON.parse(ROW),
        headers: { 'x-millwright-webhook': `http://localhost:${targets.hookPort}/` },
      })
      await eventually(async () => posted.length > 0)
      await new Promise((resolve) => setTimeout(resolve, 700))
      server.close()
      const [{ headers, body }] = posted as [(typeof posted)[0]]
      const key = Buffer.from(WEBHOOK_SECRET.replace('whsec_', ''), 'base64')
      const signed = createHmac('sha256', key)
        .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
        .digest('base64')

      expect(posted).toHaveLength(1)
      expect(headers['webhook-signature']).toBe(`v1,${signed}`)
      expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60)
    },
  },
  {
    number: 57,
    words: 'requests that are copied to a shadow are dropped before they hold up those that are answered',
    run: async (targets) => {
      await serve(targets, 'shadowed', fixture('examples/churn/models/churn_model_v2.pkl'))
      const { number } = await register(
        targets,
        'shadowed',
        fixture('examples/churn/models/churn_model_v3.pkl'),
      )
      await json(targets, 'POST', '/api/v1/deployments/shadowed/rollout', {
        version: number,
        weight: 0,
        shadow: 100,
      })
      const rows = `{"rows":[${Array(1_000).fill(ROW).join(',')}]}`
      const flood = targets.send(plainPost('/api/v1/deployments/shadowed/predict', rows).repeat(100), {
        answers: 100,
        quietMs: 20_000,
      })
      const normal = await json(targets, 'POST', PREDICT, { row: JSON.parse(ROW) })

      expect(normal.status).toBe(200)
      expect(
        Object.keys(countByStatus(await flood)).filter((status) => status !== '200' && status !== '503'),
      ).toEqual([])
      await json(targets, 'POST', '/api/v1/deployments/shadowed/abort', {})
    },
  },
  {
    number: 58,
    words:
      'a model is copied no faster than a key’s rate, keys are not guessed, and others are answered meanwhile',
    run: async ({ guarded }) => {
      const admin = { authorization: `Bearer ${guarded.secrets.admin}` }
      const shop = { authorization: `Bearer ${guarded.secrets.predict}` }
      const row = { row: JSON.parse(ROW) }
      const limits = (ratePerKey: object | null) =>
        json(guarded, 'PATCH', '/api/v1/deployments/churn', {
          limits: ratePerKey && { ratePerKey },
          headers: admin,
        })
      expect((await limits({ perSecond: 0.1, burst: 10 })).status).toBe(200)
      const copied = []
      for (let i = 0; i < 30; i++)
        copied.push(await json(guarded, 'POST', PREDICT, { ...row, headers: shop }))
      const other = await json(guarded, 'POST', PREDICT, { ...row, headers: admin })
      await limits(null)
      const guessed = []
      for (let i = 0; i < 2 * MOST_WRONG_KEYS; i++)
        guessed.push(
          await json(guarded, 'POST', PREDICT, {
            ...row,
            headers: { authorization: `Bearer ${createSecret('mws_')}` },
          }),
        )
      const known = await json(guarded, 'POST', PREDICT, { ...row, headers: shop })

      expect(countByStatus(copied)).toEqual({ 200: 10, 429: 20 })
      expect(Number(copied.at(-1)!.headers.get('retry-after'))).toBeGreaterThan(5)
      expect(countByStatus(guessed)).toEqual({ 401: MOST_WRONG_KEYS, 429: MOST_WRONG_KEYS })
      expect([other.status, known.status]).toEqual([200, 200])
    },
  },
  {
    number: 59,
    words: 'the process that runs a model has no secret in its environment',
    run: async (targets) => {
      await serve(targets, 'net', fixture('packages/engine/test/fixtures/onnx/torch-perceptron/model.onnx'))
      const found = hosts(targets).map((pid) => readProc(`${pid}/environ`) ?? '')

      expect(found.length).toBeGreaterThan(0)
      expect(found.filter((text) => /SECRET|KEY|TOKEN|PASSWORD/i.test(text))).toEqual([])
    },
  },
  {
    number: 60,
    words:
      'the process that runs a model listens nowhere, has no file of others open, and its end is its own',
    run: async (targets) => {
      const before = hosts(targets)
      const files = before.flatMap((pid) =>
        readdirSync(`/proc/${pid}/fd`).flatMap((fd) => readLink(`/proc/${pid}/fd/${fd}`)),
      )
      for (const pid of before) process.kill(pid, 'SIGKILL')
      const meanwhile = await predictRows(targets, 'churn', { row: JSON.parse(ROW) })
      const { inputs } = JSON.parse((await targets.ask('GET', '/v2/models/net')).body) as {
        inputs: { shape: number[] }[]
      }
      const columns = inputs.length > 1 ? inputs.length : inputs[0]!.shape[1]!
      const tensor = { name: 'x', datatype: 'FP32', shape: [1, columns], data: Array(columns).fill(0.5) }
      await eventually(
        async () =>
          (await json(targets, 'POST', '/v2/models/net/infer', { inputs: [tensor] })).status === 200,
      )

      expect(files.filter((path) => path.startsWith(targets.running.data))).toEqual([])
      expect(meanwhile.status).toBe(200)
    },
  },
  {
    number: 62,
    words: 'no other site may read an answer, and a page runs nothing but its own script',
    run: async (targets) => {
      const origin = {
        origin: 'https://evil.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      }
      const answers = []
      for (const path of [PREDICT, '/predict', '/api/v1/models', '/', '/v2/models/churn/infer', '/metrics'])
        for (const method of ['OPTIONS', 'GET'])
          answers.push(await targets.ask(method, path, { headers: origin }))
      const page = await targets.ask('GET', '/', { headers: { accept: 'text/html' } })
      const script = '<script>alert(1)</script>'
      const named = await json(targets, 'POST', '/api/v1/deployments', {
        name: script,
        model: 'churn',
        version: 1,
      })
      const asked = await json(targets, 'POST', PREDICT, { row: { [script]: 1 } })

      expect(
        answers.flatMap(({ headers }) =>
          [...headers.keys()].filter((name) => name.startsWith('access-control-allow')),
        ),
      ).toEqual([])
      expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
      expect(page.body).not.toMatch(/<script>|onload=|javascript:/)
      expect([named.status, asked.status]).toEqual([400, 400])
      for (const { headers } of [named, asked])
        expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
    },
  },
]
