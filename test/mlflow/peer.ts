import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { type Program, start } from '../../bench/http/programs.ts'
import { freePort } from '../support/millwright.ts'

type PeerOptions = {
  /** Where its database is; default: a new one that is removed in the end. */
  readonly folder?: string
  /** Whether it starts what runs its jobs: on by default there, some processes more. */
  readonly runsJobs?: boolean
}

/** MLflow's own server with its default workers, on SQLite, on a free port. @param python an interpreter that has mlflow */
export async function startPeer(
  python: string,
  { folder: given, runsJobs = false }: PeerOptions = {},
): Promise<Program & { readonly url: string }> {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'millwright-mlflow-server-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const stores = ['--backend-store-uri', `sqlite:///${folder}/mlflow.db`]
  const artifacts = ['--artifacts-destination', join(folder, 'artifacts')]
  const command = [python, '-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port)]
  const program = await start(port, [[...command, ...stores, ...artifacts]], {
    isReady: async () => (await fetch(`${url}/health`)).ok,
    env: {
      PATH: `${dirname(python)}${delimiter}${process.env.PATH}`,
      ...{ MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true', GIT_PYTHON_REFRESH: 'quiet' },
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: String(runsJobs),
    },
  })
  return {
    ...{ ...program, url },
    async stop() {
      await program.stop()
      if (given === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}
