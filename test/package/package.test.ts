import { execFile, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CHURN_ROW,
  eventually,
  postJson,
  ROOT,
  removeFolder,
  temporaryFolder,
} from '../support/millwright.ts'

/** The program as npm delivers it: packed, installed in an empty folder, run with the Node that the machine has. */
const folder = temporaryFolder()
const consumer = join(folder, 'consumer')
const data = join(folder, 'data')
const BIN = join(consumer, 'node_modules/.bin/millwright')

/** Without the repository's own programs, so that `#!/usr/bin/env node` finds the machine's Node. */
const PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((entry) => !entry.includes('node_modules'))
  .concat(dirname(process.execPath))
  .join(delimiter)
const env = { ...process.env, PATH, NO_COLOR: '1' }

const call = promisify(execFile)
const run = async (command: string, ...args: string[]): Promise<string> =>
  (await call(command, args, { cwd: consumer, env, maxBuffer: 1 << 28 })).stdout

type Packed = { readonly filename: string; readonly files: readonly { readonly path: string }[] }

const CONSUMER = `
import { type Client, ClientError, createClient } from 'millwright'
import { compileFile, compileProgram, decodeProgram, inputSchema } from 'millwright/engine'
import { readFile } from 'node:fs/promises'

export async function columns(path: string): Promise<string[]> {
  const { program: bytes } = await compileFile(await readFile(path))
  const program = decodeProgram(bytes)
  compileProgram(program)
  return inputSchema(program).map((column) => column.name)
}
const client: Client = createClient({ url: 'http://127.0.0.1:1' })
// @ts-expect-error what it answers has a type
const wrong: Promise<number> = client.getStatus().catch((error: unknown) => { throw error as ClientError })
wrong.catch(() => {})
console.log(JSON.stringify(await columns(process.argv[2]!)))
`

const PAGE = `
import { type InputRow, loadModel, type Model } from 'millwright/engine'

// @ts-expect-error a process of its own is nothing for a browser
import type { compileFile } from 'millwright/engine'

export async function ask(file: ArrayBuffer | Uint8Array, row: InputRow): Promise<number[][]> {
  const model: Model = await loadModel(file)
  return model.predictProba([row])
}
`

const STRICT = [
  '--strict',
  '--skipLibCheck',
  'false',
  '--exactOptionalPropertyTypes',
  '--noUncheckedIndexedAccess',
  ...['--module', 'nodenext', '--target', 'es2024'],
]

describe('the published package', () => {
  let packed: Packed

  beforeAll(async () => {
    mkdirSync(consumer)
    const { stdout } = await call('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
      cwd: ROOT,
      maxBuffer: 1 << 28,
    })
    ;[packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [Packed]
    writeFileSync(join(consumer, 'package.json'), '{}')
    await run('npm', 'install', '--no-audit', '--no-fund', join(folder, packed.filename))
    copyFileSync(join(ROOT, 'examples/churn/models/churn_model_v2.pkl'), join(consumer, 'churn_model_v2.pkl'))
    copyFileSync(join(ROOT, 'examples/churn/customers.csv'), join(consumer, 'customers.csv'))
    console.log(`the machine's Node: ${(await run('node', '--version')).trim()}`)
  })
  afterAll(() => removeFolder(folder))

  test('it holds the program, its types and the example, and neither sources nor tests', () => {
    const paths = packed.files.map(({ path }) => path)
    const tops = new Set(paths.map((path) => path.split('/')[0]))

    expect([...tops].filter((top) => top !== 'README.md').sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'bin', 'dist', 'examples', 'package.json'].sort(),
    )
    expect(paths).toContain('examples/churn/models/churn_model_v2.pkl')
    expect(paths.filter((path) => /(?<!\.d)\.ts$|\.test\.|(^|\/)test\//.test(path))).toEqual([])
  })

  test('every process and thread it starts has a file of its own', () => {
    const started = packed.files
      .filter(({ path }) => /^dist\/[^/]+\.js$/.test(path))
      .flatMap(({ path }) => {
        const text = readFileSync(join(consumer, 'node_modules/millwright', path), 'utf8')
        return [...text.matchAll(/new URL\(['"`](\.\/[^'"`]+)['"`], import\.meta\.url\)/g)].map(
          ([, at]) => at!,
        )
      })

    expect(started.length).toBeGreaterThan(1)
    expect(started.filter((at) => !existsSync(join(consumer, 'node_modules/millwright/dist', at)))).toEqual(
      [],
    )
  })

  test('a program that imports it passes the strictest type check, and runs', async () => {
    writeFileSync(join(consumer, 'consumer.mts'), CONSUMER)
    const types = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node']

    await run(join(ROOT, 'node_modules/.bin/tsc'), ...STRICT, ...types, 'consumer.mts')

    expect(JSON.parse(await run(process.execPath, 'consumer.mjs', 'churn_model_v2.pkl'))).toEqual(
      Object.keys(CHURN_ROW),
    )
  })

  test('the engine is the same for a browser', async () => {
    writeFileSync(join(consumer, 'page.mts'), PAGE)
    const script = `
      const { ask } = await import('./page.mjs')
      const file = (await import('node:fs')).readFileSync('churn_model_v2.pkl')
      console.log(JSON.stringify(await ask(file, ${JSON.stringify(CHURN_ROW)})))`
    const types = ['--customConditions', 'browser', '--types', '', '--lib', 'es2024,dom']

    await run(join(ROOT, 'node_modules/.bin/tsc'), ...STRICT, ...types, 'page.mts')
    const flags = ['--conditions', 'browser', '--input-type', 'module', '--eval', script]

    expect(JSON.parse(await run(process.execPath, ...flags))).toEqual([
      [0.8662686546579004, 0.13373134534209968],
    ])
  })

  test('npx finds the program', async () => {
    expect(await run('npx', 'millwright', '--help')).toContain('Usage: millwright COMMAND')
  })

  test('it scores a file without a server', async () => {
    const answer = JSON.parse(await run(BIN, 'score', 'churn_model_v2.pkl', '--data', 'customers.csv')) as {
      rows: number
      outputs: { name: string }[]
    }

    expect(answer.rows).toBeGreaterThan(1000)
    expect(answer.outputs.map(({ name }) => name)).toEqual(['predict'])
  })

  test('it starts, deploys, predicts, finds what it predicted, and stops with exit code 0', async () => {
    const server = spawn(BIN, ['up', '--port', '0', '--data', data], { cwd: consumer, env })
    const exited = new Promise<number | null>((resolve) => server.once('exit', resolve))
    try {
      let said = ''
      server.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
      const url = await eventually(async () => /Open\s+(http:\S+?)\/ /.exec(said)?.[1]).catch((cause) => {
        throw new Error(`millwright up is not ready\n${said}`, { cause })
      })
      const address = await run(BIN, 'deploy', 'churn_model_v2.pkl', '--url', url)
      const { json } = await postJson(`${url}/api/v1/deployments/churn/predict`, { row: CHURN_ROW })
      const { prediction } = json as { prediction: { id: string } }
      const logged = await eventually(async () => {
        const page = JSON.parse(await run(BIN, 'logs', '--id', prediction.id, '--json', '--url', url))
        return (page as { data: { id: string }[] }).data[0]
      })

      expect(address).toBe(`${url}/predict/churn\n`)
      expect(logged.id).toBe(prediction.id)
    } finally {
      server.kill('SIGTERM')
    }
    expect(await exited).toBe(0)
  })
})
