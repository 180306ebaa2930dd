import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { removeFolder, startMillwright } from '../support/millwright.ts'
import { interpreterOf } from './clients.ts'

const PAGE = readFileSync(new URL('../../docs/how-to/track-with-mlflow.md', import.meta.url), 'utf8')
const hasPython = spawnSync('python3', ['-m', 'venv', '--help']).status === 0

/** The lines that the how-to shows, as they stand there but for the port. */
test.skipIf(!hasPython)('what the how-to shows puts a model live', async () => {
  const [, shown] = PAGE.split('```python\n')
  const server = await startMillwright()
  const folder = mkdtempSync(join(tmpdir(), 'millwright-shown-'))
  const script = join(folder, 'shown.py')
  writeFileSync(script, shown!.split('```')[0]!.replace('http://localhost:7600', server.url))

  await promisify(execFile)(await interpreterOf('mlflow3'), [script], { cwd: folder })
  const schema = (await (await fetch(`${server.url}/api/v1/deployments/cancer/schema`)).json()) as {
    inputs: { name: string }[]
  }
  const row = Object.fromEntries(schema.inputs.map(({ name }) => [name, 10]))
  const answer = await fetch(`${server.url}/predict/cancer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(row),
  })

  expect(schema.inputs).toHaveLength(30)
  expect(await answer.json()).toMatchObject({ version: 'v1', probabilities: { 0: expect.any(Number) } })
  await server.stop()
  removeFolder(server.data)
  removeFolder(folder)
})
