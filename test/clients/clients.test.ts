import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDialects } from '../../packages/server/test/dialects.ts'
import { cli, removeFolder, startMillwright } from '../support/millwright.ts'
import { installPython, runJson } from '../support/python-environment.ts'

/**
 * Real clients against a real gateway. Their packages are installed into a scratch folder with the first run; Java and R
 * are skipped with a word where the machine has none.
 */
const HERE = fileURLToPath(new URL('.', import.meta.url))
const PROTOS = fileURLToPath(new URL('../../docs/reference/grpc/', import.meta.url))
const TRITONCLIENT = ['tritonclient[http,grpc]==2.73.0']
const LABELS = [0, 2]
const FIRST_PROBABILITY = 0.9816568493843079

let gateway: Awaited<ReturnType<typeof openDialects>>
let port: string
beforeAll(async () => {
  gateway = await openDialects()
  port = String(await gateway.listen())
})
afterAll(() => gateway.close())

async function python<T>(name: string, packages: readonly string[], ...args: readonly string[]): Promise<T> {
  const interpreter = await installPython(`${HERE}.cache/${name}`, packages)
  return runJson<T>(interpreter, [`${HERE}python/${name}_calls.py`, port, ...args])
}

/** A program of the machine; undefined, and a word, when it is not there. */
function hasProgram(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    console.warn(`skipped: there is no ${command} on this machine, or not all it needs`)
    return false
  }
}

type Both = { predict: number[]; predict_proba: number[] }
type Refused = { status: string; message: string }
type Calls = { infer: Both; unknown: Refused; wrong: Refused } & Record<string, unknown>

const expectBoth = (both: unknown): void => {
  expect((both as Both).predict).toEqual(LABELS)
  expect((both as Both).predict_proba[0]).toBeCloseTo(FIRST_PROBABILITY, 6)
}

test('tritonclient: HTTP and gRPC, plain and asyncio', async () => {
  const found = await python<Record<'http' | 'grpc' | 'http.aio' | 'grpc.aio', Calls>>(
    'tritonclient',
    TRITONCLIENT,
  )

  for (const kind of ['http', 'grpc'] as const) {
    const calls = found[kind]
    expect(calls).toMatchObject({
      ...{ live: true, ready: true, model_ready: [true, false], server: 'millwright', config: 'iris-lr' },
      ...{ inputs: ['input-0'], index: ['iris-lr', 'mixed', 'petal-reg'], id: 'r-1', columns: ['yes'] },
      classes: ['0.981657:0:0', '0.018343:1:1', '0.919861:2:2', '0.080084:1:1'],
    })
    expectBoth(calls.infer)
    expectBoth(calls.gzip)
    expect(calls.unknown.message).toContain('there is no deployment "nope"')
    expect(calls.wrong.message).toContain('input-0: expected shape [-1,4]')
  }
  expectBoth(found.http.json)
  expectBoth(found.grpc.deadline)
  expect(found.grpc.unknown.status).toBe('StatusCode.NOT_FOUND')
  expect(found.grpc).toMatchObject({
    ...{ statistics: true, shared_memory: 0, trace: ['OFF'] },
    stream: [LABELS, expect.stringContaining('there is no deployment "nope"'), LABELS],
  })
  for (const kind of ['http.aio', 'grpc.aio'] as const) {
    expectBoth(found[kind].infer)
    expect(found[kind].same).toBe(1)
  }
})

test('tritonclient unloads a model and loads it, on every gateway', async () => {
  const server = await startMillwright()
  try {
    expect((await cli(['deploy', 'examples/churn'], { url: server.url })).code).toBe(0)
    const interpreter = await installPython(`${HERE}.cache/tritonclient`, TRITONCLIENT)
    const script = `${HERE}python/tritonclient_repository.py`
    const found = await runJson(interpreter, [script, new URL(server.url).port, 'churn'])

    const states = [true, false, true, expect.stringContaining('millwright deploy')]
    expect(found).toEqual({ http: states, grpc: states })
  } finally {
    await server.stop()
    removeFolder(server.data)
  }
})

test('the KServe SDK: REST V1, V2 and gRPC', async () => {
  type Values = [string, number[]][]
  type Found = Record<'v2' | 'grpc', Record<string, unknown>> & {
    v1: { predictions?: number[]; error?: string }
  }
  const found = await python<Found>('kserve', ['kserve==0.21.0'])
  const { v2, grpc, v1 } = found

  expect([v2.live, v2.ready, v2.model_ready, grpc.live, grpc.ready, grpc.model_ready]).toEqual(
    Array(6).fill(true),
  )
  for (const values of [v2.json, v2.binary, grpc.typed, grpc.raw] as Values[]) {
    expect(values.map(([name]) => name)).toEqual(['predict', 'predict_proba'])
    expect(values[0]![1]).toEqual(LABELS)
    expect(values[1]![1][0]).toBeCloseTo(FIRST_PROBABILITY, 6)
  }
  expect((v2.unknown as { error: string }).error).toContain('there is no deployment')
  expect(v1.predictions).toEqual(LABELS)
})

test('MLflow and SageMaker', async () => {
  type Found = Record<
    'ping' | 'invoke' | 'sagemaker',
    { error?: string } & number[] & { predictions?: number[] }
  >
  const found = await python<Found>('mlflow', [
    'mlflow-skinny==3.17.2',
    'pandas==2.3.3',
    'scipy==1.16.3',
    'boto3==1.44.5',
  ])

  expect(found.invoke).toEqual(LABELS)
  expect(found.sagemaker.predictions).toEqual(LABELS)
})

test('TensorFlow Serving by grpcio, with stubs of our .proto file', async () => {
  const found = await python<Both & Record<string, unknown>>(
    'tensorflow',
    ['grpcio==1.85.1', 'grpcio-tools==1.85.1', 'numpy==2.4.6'],
    PROTOS,
  )

  expectBoth(found)
  expect(found).toMatchObject({
    ...{ inputs: ['input-0'], state: 30 },
    unknown: ['NOT_FOUND', expect.stringContaining('there is no deployment "nope"')],
    classify: ['UNIMPLEMENTED', expect.stringContaining('call Predict')],
  })
})

/** The program that the how-to shows, run; what it prints: the answer to a V2 request, and to a native one. */
async function runShown(language: string, command: string, file: string) {
  const page = readFileSync(`${HERE}../../docs/how-to/call-from-java-or-r.md`, 'utf8')
  const program = page.split(`\`\`\`${language}\n`)[1]!.split('```')[0]!
  const folder = mkdtempSync(join(tmpdir(), 'millwright-shown-'))
  writeFileSync(join(folder, file), program)
  const { stdout } = await promisify(execFile)(command, [join(folder, file), `http://127.0.0.1:${port}`])
  rmSync(folder, { recursive: true })
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

test.for([
  ['java', 'java', 'Ask.java', hasProgram('java', '-version')],
  ['r', 'Rscript', 'ask.R', hasProgram('Rscript', '-e', 'library(curl); library(jsonlite)')],
] as const)(
  '%s asks over V2, and by names of columns',
  async ([language, command, file, isHere], { skip }) => {
    skip(!isHere)

    const [v2, native] = await runShown(language, command, file)

    expect(v2.outputs[0].data).toEqual(LABELS)
    expect(native).toMatchObject({ deployment: 'mixed', prediction: { prediction: 'yes' } })
  },
)
