import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PredictAnswer } from '@millwright/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { identity } from '../../packages/engine/test/onnx-file.ts'
import { cli, postJson, ROOT, type Running, startMillwright } from '../support/millwright.ts'

const FIXTURES = join(ROOT, 'packages/engine/test/fixtures')
const CASE = join(FIXTURES, 'onnx/torch-perceptron')
const MODEL = join(CASE, 'model.onnx')
const { rows } = JSON.parse(readFileSync(join(CASE, 'input.json'), 'utf8')) as { rows: (number | string)[][] }
const { output } = JSON.parse(readFileSync(join(CASE, 'expected.json'), 'utf8')) as { output: number[][] }
const rowOf = (i: number) => Object.fromEntries(rows[i]!.map((value, column) => [`input[${column}]`, value]))
/** The first row of numbers alone. */
const PLAIN = rows.findIndex((row) => row.every((value) => typeof value === 'number'))

let server: Running
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millwright-onnx-'))
  server = await startMillwright()
  const deployed = await cli(['deploy', MODEL, '--name', 'net'], server)
  expect(deployed.code, deployed.stderr).toBe(0)
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

const predict = async () =>
  (await postJson(`${server.url}/api/v1/deployments/net/predict`, { row: rowOf(PLAIN) }))
    .json as PredictAnswer

const hostProcesses = (): number[] =>
  execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, ppid, ...args]) =>
        server.pids().gateways.includes(Number(ppid)) && /host-process/.test(args.join()),
    )
    .map(([pid]) => Number(pid))

test('a PyTorch network answers what PyTorch answered', async () => {
  const { prediction } = await predict()

  expect(prediction).toMatchObject({ prediction: expect.closeTo(output[PLAIN]![0]!, 5) })
})

test('its processes are started anew when they are killed', async () => {
  const before = hostProcesses()
  for (const pid of before) process.kill(pid, 'SIGKILL')
  await sleep(200)

  const { prediction } = await predict()

  expect(before).toHaveLength(2)
  expect(prediction).toMatchObject({ prediction: expect.closeTo(output[PLAIN]![0]!, 5) })
})

test('inspect, score and verify run it without a server', async () => {
  const answers = join(folder, 'answers.json')
  writeFileSync(answers, JSON.stringify({ predict: output }))
  const data = join(CASE, 'input.json')

  const inspected = await cli(['inspect', MODEL, '--json'], server)
  const scored = await cli(['score', MODEL, '--data', data, '--outputs', 'output'], server)
  const verified = await cli(['verify', MODEL, '--sample', data, '--expected', answers, '--json'], server)

  expect(JSON.parse(inspected.stdout)).toMatchObject({
    servable: true,
    container: 'onnx',
    outputs: ['predict', 'output'],
    contract: { predict: 'rel1e-5' },
    check: { mismatches: 0 },
  })
  expect(JSON.parse(scored.stdout)).toMatchObject({ rows: rows.length, outputs: [{ dtype: 'float32' }] })
  expect([verified.code, JSON.parse(verified.stdout).methods[0].equal]).toEqual([0, rows.length])
})

test('weights in a file of this machine are refused', async () => {
  const path = join(folder, 'external.onnx')
  const externalData = { key: 'location', value: '/etc/passwd' }
  writeFileSync(
    path,
    identity({ initializers: { name: 'w', dims: 2, element: 1, location: 1, externalData } }),
  )

  const { code, stderr } = await cli(['deploy', path, '--name', 'thief'], server)

  expect(code).not.toBe(0)
  expect(stderr).toContain('the weights of the model lie in another file')
  expect(stderr).not.toContain('root:')
})

test('without ONNX Runtime an ONNX model is refused with the line to run, and others are run', () => {
  const [packages, modules] = [join(folder, 'packages/runtime'), join(folder, 'node_modules/@millwright')]
  cpSync(join(ROOT, 'packages/runtime'), packages, { recursive: true })
  mkdirSync(modules, { recursive: true })
  symlinkSync(join(ROOT, 'packages/engine'), join(modules, 'engine'))
  const script = join(folder, 'run.ts')
  writeFileSync(
    script,
    `import { readFileSync } from 'node:fs'
    import { compileBytes } from ${JSON.stringify(join(ROOT, 'packages/engine/src/sandbox/compile.ts'))}
    import { openRunner } from './packages/runtime/src/index.ts'
    for (const path of process.argv.slice(2)) {
      const { compiled } = compileBytes(readFileSync(path), {})
      console.log(await openRunner(compiled.program).then(() => 'ready', (error) => error.message))
    }`,
  )
  const pickle = join(ROOT, 'examples/churn/models/churn_model_v2.pkl')

  const printed = execFileSync(process.execPath, [script, MODEL, pickle], { encoding: 'utf8' })

  expect(printed).toMatch(
    /^ONNX models run in ONNX Runtime, .* npm install onnxruntime-node@1\.30\.0 .*\nready\n$/,
  )
})
