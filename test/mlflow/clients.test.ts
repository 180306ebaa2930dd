import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, removeFolder, startMillwright } from '../support/millwright.ts'
import { CLIENT_NAMES, type Client, interpreterOf } from './clients.ts'
import { startPeer } from './peer.ts'
import { hasPython } from './python-here.ts'

/**
 * MLflow's own client, the newest and the last of 2.x, against a real server: each program of python/ prints one line a check.
 * MLFLOW_TEST_PEER=1 asks MLflow's own server instead, which must answer the same: so a program that fails here is wrong of
 * ours, not of the program.
 */
const PROGRAMS = [
  'tracking',
  'search',
  'models',
  'registry',
  'artifacts',
  'errors',
  'races',
  'command_line',
  'webhooks',
]
const FOLDER = fileURLToPath(new URL('python/', import.meta.url))

const isPeer = process.env.MLFLOW_TEST_PEER === '1'

type Line = { readonly what?: string; readonly ok?: boolean; readonly done?: boolean }

describe.skipIf(!hasPython)("MLflow's own client", () => {
  const interpreters = new Map<Client, string>()
  let server: { readonly url: string; stop(): Promise<unknown> }
  let webhookPort: number
  beforeAll(async () => {
    for (const client of CLIENT_NAMES) interpreters.set(client, await interpreterOf(client))
    webhookPort = await freePort()
    server = isPeer ? await startPeer(interpreters.get('mlflow3')!) : await startOurs(webhookPort)
  })
  afterAll(() => server?.stop())

  describe.for(CLIENT_NAMES)('%s', (client) => {
    test.for(PROGRAMS)('%s', async (program) => {
      const lines = await linesOf(interpreters.get(client)!, program)

      expect(lines.filter(({ ok }) => ok === false)).toEqual([])
      expect(lines.filter(({ ok }) => ok).length).toBeGreaterThan(0)
      expect(lines.at(-1)).toEqual({ done: true })
    })
  })

  /** What a program says; it is run in a folder of its own. */
  function linesOf(python: string, program: string): Promise<Line[]> {
    const env = {
      ...process.env,
      PATH: `${dirname(python)}${delimiter}${process.env.PATH}`,
      ...{ MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1', MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true' },
      ...{ GIT_PYTHON_REFRESH: 'quiet', PYTHONDONTWRITEBYTECODE: '1', WEBHOOK_PORT: `${webhookPort}` },
    }
    const cwd = mkdtempSync(join(tmpdir(), 'millwright-mlflow-'))
    const script = join(FOLDER, `${program}.py`)
    return new Promise((resolve) => {
      execFile(python, [script, server.url], { env, cwd, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        removeFolder(cwd)
        const lines = stdout
          .split('\n')
          .filter((line) => line.startsWith('{"'))
          .map((line) => JSON.parse(line) as Line)
        resolve(error === null ? lines : [...lines, { what: `ended\n${stderr.slice(-3000)}`, ok: false }])
      })
    })
  }
})

async function startOurs(webhookPort: number) {
  const env = { MILLWRIGHT_WEBHOOK_HOSTS: `127.0.0.1:${webhookPort}` }
  const running = await startMillwright({ env })
  return {
    url: running.url,
    async stop() {
      await running.stop()
      removeFolder(running.data)
    },
  }
}
