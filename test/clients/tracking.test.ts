import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Running, removeFolder, startMillwright, temporaryFolder } from '../support/millwright.ts'

/** The programs that docs/how-to/track-from-java-or-r.md shows, run against a real server. */
const PAGE = readFileSync(new URL('../../docs/how-to/track-from-java-or-r.md', import.meta.url), 'utf8')

const data = temporaryFolder()
let server: Running

beforeAll(async () => {
  server = await startMillwright({ data })
})
afterAll(async () => {
  await server?.stop()
  removeFolder(data)
})

const hasProgram = (...[command, ...args]: readonly string[]): boolean =>
  spawnSync(command!, args).status === 0

/** @returns the id of the run that the program printed */
async function runShown(language: string, command: string, file: string): Promise<string> {
  const program = PAGE.split(`\`\`\`${language}\n`)[1]!.split('```')[0]!
  const folder = mkdtempSync(join(tmpdir(), 'millwright-shown-'))
  writeFileSync(join(folder, file), program)
  const { stdout } = await promisify(execFile)(command, [join(folder, file), server.url])
  rmSync(folder, { recursive: true })
  return stdout.trim().split('\n').at(-1)!.trim()
}

test.for([
  ['java', 'java', 'Track.java', hasProgram('java', '-version'), 'trained by Java\n'],
  [
    'r',
    'Rscript',
    'track.R',
    hasProgram('Rscript', '-e', 'library(curl); library(jsonlite)'),
    'trained by R\n',
  ],
] as const)('%s logs a run', async ([language, command, file, isHere, notes], { skip }) => {
  skip(!isHere, `there is no ${command}, or not what its program needs`)

  const id = await runShown(language, command, file)

  const { run } = (await (await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${id}`)).json()) as {
    run: {
      info: { status: string; artifact_uri: string }
      data: Record<string, { key: string; value: unknown }[]>
    }
  }
  const stored = await fetch(
    `${server.url}/api/2.0/mlflow-artifacts/artifacts/${run.info.artifact_uri.slice('mlflow-artifacts:/'.length)}/notes.txt`,
  )
  expect(run.info.status).toBe('FINISHED')
  expect(run.data.params).toEqual([{ key: 'trees', value: '200' }])
  expect(run.data.metrics).toMatchObject([{ key: 'auc', value: 0.87 }])
  expect(run.data.tags).toContainEqual({ key: 'language', value: language })
  expect(await stored.text()).toBe(notes)
})
