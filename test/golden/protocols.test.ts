import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeModel,
  writeSnapshot,
} from '../../packages/server/test/gateway.ts'
import { DIFFERENCES, DIFFERENT_RECORDS, type Fault, NOT_REPLAYED } from './protocols/differences.ts'
import { type Received, type RecordedExchange, ROOT, readExchanges, replay } from './protocols/records.ts'
import { differenceOf, jsonOf, valuesOf } from './protocols/values.ts'

/**
 * Every request that a real client sent, and every answer of a real server, against a gateway with the same models: what
 * was answered with values is answered with the same, what was refused is refused, and nothing is ever a 5xx.
 */

const IRIS = 'iris-lr.joblib'
/** What each recorded server served, by name; the first is the default. */
const SERVED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  all: {
    'iris-lr': IRIS,
    'iris-meta': IRIS,
    'iris-batched': IRIS,
    iris: IRIS,
    'iris-rf': 'iris-rf.joblib',
    'iris-xgb': 'iris-xgb.json',
    'petal-reg': 'petal-reg.joblib',
    mixed: 'mixed.joblib',
    'mixed-pd': 'mixed.joblib',
  },
  iris: { iris: 'mlflow-iris/model.pkl' },
  mixed: { mixed: 'mlflow-mixed/model.pkl' },
}
/** TorchServe's name of the only version of `iris`. */
const LABELS: Readonly<Record<string, string>> = { iris: '1.0' }
/** MLflow's models that are others of these by another name. */
const SAME: Readonly<Record<string, string>> = { nosig: 'all', tensor: 'all' }

const ports = new Map<string, number>()
const closing: (() => Promise<void>)[] = []
beforeAll(async () => {
  if (ofServers.length > 0)
    for (const [name, models] of Object.entries(SERVED)) ports.set(name, await openServer(models))
})
afterAll(async () => {
  for (const close of closing) await close()
})

async function openServer(models: Readonly<Record<string, string>>): Promise<number> {
  const layout = await createDataFolder()
  const deployments: Awaited<ReturnType<typeof churnDeployment>>[] = []
  for (const [name, file] of Object.entries(models)) {
    const stored = await storeModel(layout, `${ROOT}models/${file}`)
    const version = { ...stored, label: LABELS[name] ?? stored.label }
    const bare = { name, model: name, default: deployments.length === 0, decision: null, respond: null }
    deployments.push(await churnDeployment(version, bare))
  }
  await writeSnapshot(layout, 1, deployments)
  const gateway = await openGateway(layout)
  closing.push(async () => {
    await gateway.close()
    await removeDataFolder(layout)
  })
  return gateway.listen()
}

const serverOf = ({ file, model }: RecordedExchange): string => {
  const isMlflow = file.startsWith('mlserver-mlflow') || file.startsWith('client-mlflow')
  const name = model ?? (isMlflow ? 'iris' : 'all')
  return SAME[name] ?? name
}

const MODEL = /\/(?:v[12]\/models|predictions|models|explanations)\/([^/:?]+)/

/** Models that are no files (echo, slow, failing ones) cannot be served; one that nobody had can be asked for. */
function isReplayed(exchange: RecordedExchange): boolean {
  const models = SERVED[serverOf(exchange)]
  const name = MODEL.exec(exchange.sent.path)?.[1]
  const isServed =
    name === undefined || name === 'nope' || Object.hasOwn(models ?? {}, decodeURIComponent(name))
  const asked = `${exchange.key} ${exchange.sent.path}`
  return models !== undefined && isServed && !NOT_REPLAYED.some((records) => records.test(asked))
}

const ofServers = readExchanges('servers').filter(isReplayed)
const ofClients = readExchanges('clients').filter(isReplayed)
if (ofServers.length === 0) console.warn(`skipped: the recorded exchanges are not at ${ROOT}`)

const ask = (exchange: RecordedExchange): Promise<Received> =>
  replay(ports.get(serverOf(exchange))!, exchange.sent)

/** Nobody's path is control's to refuse, and control is not here. */
const statusOf = (received: Received): number =>
  received.body.includes('CONTROL_UNAVAILABLE') ? 404 : received.status
const isAnswer = (status: number): boolean => status >= 200 && status < 300

function faultOf({ received: expected }: RecordedExchange, got: Received): Fault | undefined {
  if (!isAnswer(expected.status)) return isAnswer(statusOf(got)) ? 'answered' : undefined
  if (!isAnswer(statusOf(got))) return 'refused'
  const values = valuesOf(expected)
  return values === undefined || differenceOf(values, valuesOf(got)) === undefined
    ? undefined
    : 'other values'
}

describe.skipIf(ofServers.length === 0)('recorded servers', () => {
  const met = new Map<RegExp, number>()

  test.each(ofServers.map((exchange) => [exchange.key, exchange] as const))('%s', async (key, exchange) => {
    const deliberate = DIFFERENCES.find(({ records }) => records.test(key))
    if (deliberate !== undefined) met.set(deliberate.records, (met.get(deliberate.records) ?? 0) + 1)

    const got = await ask(exchange)

    expect(statusOf(got)).toBeLessThan(500)
    expect(faultOf(exchange, got)).toBe(deliberate?.fault)
  })

  test('every deliberate difference is shown by a record, and there are no more of them', () => {
    expect(DIFFERENCES.filter(({ records }) => !met.has(records))).toEqual([])
    expect([...met.values()].reduce((sum, count) => sum + count, 0)).toBe(DIFFERENT_RECORDS)
  })
})

/** Keys that the client of a dialect reads in an answer, and in a refusal. */
const READ: readonly (readonly [path: RegExp, answer: readonly string[], refusal: readonly string[]])[] = [
  [/^\/v2\/models\/[^/]+(\/versions\/[^/]+)?\/infer/, ['model_name', 'outputs'], ['error']],
  [/^\/v2\/models\/[^/]+(\/versions\/[^/]+)?\/ready/, ['name', 'ready'], ['error']],
  [/^\/v2\/models\/[^/]+(\/versions\/[^/]+)?\/config/, ['name', 'input', 'output'], ['error']],
  [
    /^\/v2\/models\/[^/]+(\/versions\/[^/]+)?$/,
    ['name', 'versions', 'platform', 'inputs', 'outputs'],
    ['error'],
  ],
  [/^\/v2\/health\/live/, ['live'], []],
  [/^\/v2\/health\/ready/, ['ready'], []],
  [/^\/v2\/?$/, ['name', 'version', 'extensions'], []],
  [/^\/v2\/logging/, ['log_file', 'log_info', 'log_verbose_level', 'log_format'], ['error']],
  [/^\/v2\/trace/, ['trace_level', 'trace_rate'], ['error']],
  [/^\/v2\/.*sharedmemory/, [], ['error']],
  [/^\/v2\/repository\/index/, [], ['error']],
  [/^\/v1\/models\/[^/]+:predict/, ['predictions'], ['error']],
  [/^\/v1\/models\/[^/]+:classify/, ['results'], ['error']],
  [/^\/v1\/models\/[^/]+\/metadata/, ['model_spec', 'metadata'], ['error']],
  [/^\/v1\/models\/[^/]+$/, ['name', 'ready', 'model_version_status'], ['error']],
  [/^\/invocations/, ['predictions'], ['error_code', 'message']],
  [/^\/endpoints\//, [], ['error_code', 'message']],
  [/^\/predictions\//, [], ['code', 'type', 'message']],
  [/^\/ping/, ['status'], []],
  [/^\/version/, [], []],
  [/^\/$/, ['status'], []],
]

/** What clients got from their servers and do not get here. */
const CLIENTS_REFUSED: readonly RegExp[] = [
  // Shared memory, and the inference that would have read it.
  /shared memory round trip( #[123])?$/,
  // iris reads no missing values; a stub that reads nothing answered.
  /infer: NaN JSON$|TF Serving NaN token$/,
  // What was sent to a stub fits no model that is served.
  /^client-curl--stub \| (TF Serving classify|MLflow docs|MLflow CSV|V2 infer --json|large body|multipart)/,
]

/** Values that a client got from a real server; those of class names are Triton's own. */
const fromServer = ({ key, file, received }: RecordedExchange) =>
  file.endsWith('--stub') || key.includes('class_count') ? undefined : valuesOf(received)

describe.skipIf(ofClients.length === 0)('recorded clients', () => {
  test.each(ofClients.map((exchange) => [exchange.key, exchange] as const))('%s', async (key, exchange) => {
    const got = await ask(exchange)

    const status = statusOf(got)
    const mayBeRefused = !isAnswer(exchange.received.status)
    const isRefused = CLIENTS_REFUSED.some((records) => records.test(key))
    const [, answer, refusal] = READ.find(([path]) => path.test(exchange.sent.path))!
    const keys = Object.keys((jsonOf(got) ?? {}) as object)
    expect(status).toBeLessThan(500)
    if (!mayBeRefused) expect(isAnswer(status)).toBe(!isRefused)
    expect(keys).toEqual(expect.arrayContaining([...(isAnswer(status) ? answer : refusal)]))
    if (isAnswer(status))
      expect(fromServer(exchange) && differenceOf(fromServer(exchange)!, valuesOf(got))).toBeUndefined()
  })
})
