import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../../test/gateway.ts'
import { connect, type Failure } from '../../../test/grpc-client.ts'
import { UNBOUND } from '../../access/permission.ts'
import { createSecret, hashOf } from '../../access/secret.ts'
import { ModelInferRequest } from '../doors/v2-grpc/messages.ts'
import { INFERENCE } from '../doors/v2-grpc/services.ts'
import { grpcRoutes } from './routes.ts'

const [UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND] = [16, 7, 5]
const SECRETS = { label: createSecret('mws_'), bound: createSecret('mwd_') }
/** Stands for all that routes are made with and only their work would use. */
const anything: unknown = new Proxy(() => anything, { get: () => anything, apply: () => anything })
const NO_BYTES = Buffer.alloc(0)

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
let client: ReturnType<typeof connect>
beforeAll(async () => {
  layout = await createDataFolder()
  const key = (name: keyof typeof SECRETS) => ({
    id: name,
    name,
    hash: hashOf(SECRETS[name]),
    expires_at: null,
  })
  await writeSnapshot(
    layout,
    1,
    [await churnDeployment(await storeChurn(layout, 'v2'))],
    [
      { ...key('label'), scopes: ['label'], ...UNBOUND },
      { ...key('bound'), scopes: ['predict'], ...UNBOUND, deployments: ['other'] },
    ],
  )
  const access = { boundToLoopback: true, loginRequired: true, allowedHosts: [] }
  gateway = await openGateway(layout, { access })
  client = connect(await gateway.listen())
})
afterAll(async () => {
  client.close()
  await gateway.close()
  await removeDataFolder(layout)
})

const statusOf = async (path: string, bytes: Buffer, metadata: Record<string, string>) =>
  ((await client.callBytes(path, bytes, { metadata }).answer) as Failure).code

test('every rpc asks for a key with its scope', async () => {
  const guarded = grpcRoutes(anything as never).filter(({ permission }) => permission !== 'public')
  const found: unknown[] = []
  for (const { path } of guarded)
    found.push([
      path,
      await statusOf(path, NO_BYTES, {}),
      await statusOf(path, NO_BYTES, { authorization: 'Bearer mws_nonsense' }),
      await statusOf(path, NO_BYTES, { authorization: `Bearer ${SECRETS.label}` }),
    ])

  expect(guarded.length).toBeGreaterThan(10)
  expect(found).toEqual(
    guarded.map(({ path }) => [path, UNAUTHENTICATED, UNAUTHENTICATED, PERMISSION_DENIED]),
  )
})

test('health asks for none', async () => {
  expect(await client.call(INFERENCE.ServerLive, {})).toEqual({ live: true })
})

test('a key of one deployment is good for no other', async () => {
  const headers = { 'x-api-key': SECRETS.bound }
  const infer = (name: string) =>
    statusOf(INFERENCE.ModelInfer.path, ModelInferRequest.encode({ model_name: name }), headers)

  expect([await infer('churn'), await infer('other')]).toEqual([PERMISSION_DENIED, NOT_FOUND])
})
