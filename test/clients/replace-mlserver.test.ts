import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  cli,
  eventually,
  freePort,
  ROOT,
  type Running,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'
import { installPython, runJson } from '../support/python-environment.ts'

/** One client, one folder of models, two servers: MLServer, and Millwright. Only the address differs. */
const HERE = fileURLToPath(new URL('.', import.meta.url))
const MODELS = join(ROOT, 'packages/server/test/fixtures/models')
const FILES = { iris: 'iris-lr.joblib', mixed: 'mixed.joblib' }
const PACKAGES = [
  ...['mlserver==1.7.1', 'mlserver-sklearn==1.7.1', 'scikit-learn==1.9.1', 'numpy==2.4.6'],
  ...['pandas==2.3.3', 'uvloop==0.21.0'],
]

let python: string
let folder: string
let mlserver: Awaited<ReturnType<typeof startMlserver>>
let millwright: Running
beforeAll(async () => {
  python = await installPython(`${HERE}.cache/mlserver`, PACKAGES)
  folder = writeModels()
  mlserver = await startMlserver()
  millwright = await startMillwright()
})
afterAll(async () => {
  await Promise.all([mlserver?.stop(), millwright?.stop()])
  for (const path of [folder, millwright?.data]) if (path !== undefined) removeFolder(path)
})

function writeModels(): string {
  const models = temporaryFolder()
  for (const [name, file] of Object.entries(FILES)) {
    mkdirSync(join(models, name))
    copyFileSync(join(MODELS, file), join(models, name, 'model.joblib'))
    const parameters = { uri: './model.joblib', version: 'v3' }
    const settings = { name, implementation: 'mlserver_sklearn.SKLearnModel', parameters }
    writeFileSync(join(models, name, 'model-settings.json'), JSON.stringify(settings))
  }
  return models
}

async function startMlserver() {
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()]
  const ports = { http_port: http, grpc_port: grpc, metrics_port: metrics }
  const settings = { host: '127.0.0.1', ...ports, parallel_workers: 0, debug: false }
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings))
  const child = spawn(python, ['-m', 'mlserver.cli.main', 'start', folder], { stdio: 'ignore' })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const isReady = () => fetch(`http://127.0.0.1:${http}/v2/models/mixed/ready`).then(({ ok }) => ok)
  await eventually(() => isReady().catch(() => false), 60_000)
  return {
    addresses: [`127.0.0.1:${http}`, `127.0.0.1:${grpc}`],
    stop() {
      child.kill('SIGKILL')
      return exited
    },
  }
}

/** Probabilities differ in the last digits: the contract of a logistic regression is 1e-13, not equal bits. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, x) => (typeof x === 'number' ? Number(x.toFixed(12)) : x))

async function expectSame(script: string, isHttpOnly: boolean): Promise<void> {
  const ask = (addresses: readonly string[]): Promise<object> =>
    runJson(python, [`${HERE}python/${script}.py`, ...addresses.slice(0, isHttpOnly ? 1 : 2), MODELS])
  const own = new URL(millwright.url).host

  const was = await ask(mlserver.addresses)
  const is = await ask([own, own])

  expect(rounded(is)).toEqual(rounded(was))
}

test('the folders of MLServer are deployed as they are', async () => {
  for (const name of Object.keys(FILES)) {
    const { code, stderr } = await cli(['deploy', join(folder, name)], millwright)
    expect(code, stderr).toBe(0)
  }

  const whole = await cli(['deploy', folder], millwright)
  expect(whole.stderr).toContain(`millwright deploy ${join(folder, 'iris')}\n`)
})

test('a program with MLServer’s codecs reads the same', () => expectSame('mlserver_codecs', true))

test('a program with tritonclient reads the same, over HTTP and gRPC', () =>
  expectSame('mlserver_tritonclient', false))
