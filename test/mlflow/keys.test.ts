import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli, type Running, removeFolder, startMillwright, temporaryFolder } from '../support/millwright.ts'
import { CLIENT_NAMES, interpreterOf } from './clients.ts'

/** MLflow's own client at a server that asks for keys, with one for an experiment and a model. */
const PROGRAM = fileURLToPath(new URL('python/keys.py', import.meta.url))
const hasPython = spawnSync('python3', ['-m', 'venv', '--help']).status === 0

type Answer = { readonly experiment_id: string; readonly run: { readonly info: { readonly run_id: string } } }

describe.skipIf(!hasPython)("MLflow's own client with a key", () => {
  const data = temporaryFolder()
  let server: Running
  let admin: string
  let key: string
  let foreignRun: string
  beforeAll(async () => {
    admin = (await cli(['keys', 'create', 'root', '--scope', 'admin', '--data', data])).stdout.trim()
    server = await startMillwright({ data, env: { MILLWRIGHT_AUTH: 'required' } })
    await post('experiments/create', { name: 'own' })
    const { experiment_id } = await post('experiments/create', { name: 'foreign' })
    foreignRun = (await post('runs/create', { experiment_id })).run.info.run_id
    const bounds = ['--experiment', 'own', '--model', 'own']
    const made = await cli(['keys', 'create', 'training', '--scope', 'track', ...bounds], {
      url: server.url,
      env: { MILLWRIGHT_API_KEY: admin },
    })
    key = made.stdout.trim()
  })
  afterAll(async () => {
    await server?.stop()
    removeFolder(data)
  })

  async function post(path: string, body: object): Promise<Answer> {
    const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return (await answer.json()) as Answer
  }

  describe.for(CLIENT_NAMES)('%s', (client) => {
    test.for([
      ['a token', () => ({ MLFLOW_TRACKING_TOKEN: key })],
      ['a password', () => ({ MLFLOW_TRACKING_USERNAME: 'anybody', MLFLOW_TRACKING_PASSWORD: key })],
    ] as const)('is good for what its key names, sent as %s', async ([, credentials]) => {
      const env = {
        ...process.env,
        ...{ OWN: 'own', FOREIGN: 'foreign', FOREIGN_RUN: foreignRun, ...credentials() },
        ...{ MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1', MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true' },
        ...{ GIT_PYTHON_REFRESH: 'quiet', PYTHONDONTWRITEBYTECODE: '1' },
      }
      const python = await interpreterOf(client)
      const output = await new Promise<string>((resolve) => {
        execFile(python, [PROGRAM, server.url], { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
          resolve(
            error === null
              ? stdout
              : `${stdout}\n{"what": ${JSON.stringify(stderr.slice(-3000))}, "ok": false}`,
          ),
        )
      })
      const lines = output
        .split('\n')
        .filter((line) => line.startsWith('{"'))
        .map((line) => JSON.parse(line) as { what?: string; ok?: boolean; done?: boolean })

      expect(lines.filter(({ ok }) => ok === false)).toEqual([])
      expect(lines.filter(({ ok }) => ok).length).toBe(13)
      expect(lines.at(-1)).toEqual({ done: true })
    })
  })
})
