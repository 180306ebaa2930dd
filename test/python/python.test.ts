import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli, eventually, ROOT, type Running, removeFolder, startMillwright } from '../support/millwright.ts'

/** The Python package of `python/` against a real server. Its tests need nothing but Python's standard library. */
const run = promisify(execFile)
const PACKAGE = join(ROOT, 'python')

async function findPython(): Promise<string | undefined> {
  for (const name of ['python3', 'python']) {
    const isNew = 'import sys; sys.exit(sys.version_info < (3, 9))'
    if (
      await run(name, ['-c', isNew]).then(
        () => true,
        () => false,
      )
    )
      return name
  }
  console.warn('skipped: there is no Python 3.9 or newer on this machine')
  return undefined
}

const python = await findPython()

describe.skipIf(python === undefined)('the Python package', () => {
  let server: Running
  const scratch = mkdtempSync(join(tmpdir(), 'millwright-python-'))
  beforeAll(async () => {
    server = await startMillwright({ gateways: 1, args: ['--deploy', join(ROOT, 'examples/churn')] })
    await eventually(() =>
      fetch(`${server.url}/api/v1/deployments/churn`).then((answer) => answer.status === 200),
    )
  })
  afterAll(async () => {
    await server.stop()
    removeFolder(server.data)
    rmSync(scratch, { recursive: true, force: true })
  })

  const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    ...process.env,
    PYTHONPATH: join(PACKAGE, 'src'),
    MILLWRIGHT_TEST_URL: server.url,
    MILLWRIGHT_SPOOL: join(scratch, 'spool'),
    ...more,
  })

  test('passes its own tests', async () => {
    const { stderr } = await run(python!, ['-m', 'unittest', '-v'], { cwd: PACKAGE, env: environment() })

    const skipped = stderr.split('\n').filter((line) => line.includes('skipped'))
    if (skipped.length > 0) console.warn(skipped.join('\n'))
    expect(stderr).toMatch(/^OK/m)
  })

  test('sends the key that it has', async () => {
    const data = join(scratch, 'data')
    const made = await cli(['keys', 'create', 'notebook', '--scope', 'predict', '--data', data, '--json'])
    const { secret } = JSON.parse(made.stdout) as { secret: string }
    const guarded = await startMillwright({ data, gateways: 1, env: { MILLWRIGHT_AUTH: 'required' } })
    const ask = (key: string) => {
      const env = environment({ MILLWRIGHT_URL: guarded.url, MILLWRIGHT_API_KEY: key })
      return run(python!, ['-c', ASK], { env }).then(({ stdout }) => stdout.trim())
    }

    const answers = [await ask(secret), await ask(''), await ask(secret.toUpperCase())]

    await guarded.stop()
    expect(answers).toEqual(['DEPLOYMENT_NOT_FOUND', 'UNAUTHENTICATED', 'UNAUTHENTICATED'])
  })

  test('becomes a wheel that carries its types', async () => {
    const venv = join(scratch, 'venv')
    await run(python!, ['-m', 'venv', venv])
    const own = join(venv, 'bin/python')
    await run(own, ['-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', scratch, PACKAGE])

    const list = 'import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist())'
    const { stdout } = await run(own, ['-c', list, join(scratch, 'millwright-0.1.0-py3-none-any.whl')])
    expect(stdout).toContain('millwright/py.typed')
    expect(stdout).not.toContain('tests/')
  })
})

const ASK = `
import millwright
try:
    millwright.predict("churn", {})
except millwright.Refused as refused:
    print(refused.code)
`
