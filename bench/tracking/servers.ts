import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseAddress } from '../../packages/server/src/db/address.ts'
import { openDatabase } from '../../packages/server/src/db/database.ts'
import { layoutOf } from '../../packages/server/src/layout.ts'
import { ensureDefaultExperiment } from '../../packages/server/src/tracking/experiments.ts'
import { putMetrics } from '../../packages/server/src/tracking/metrics.ts'
import { createRun, putParams } from '../../packages/server/src/tracking/runs.ts'
import { startPeer } from '../../test/mlflow/peer.ts'
import { freePort } from '../../test/support/millwright.ts'
import { databaseUrl, startPostgres } from '../../test/support/postgres.ts'
import { type Program, start, treeOf } from '../http/programs.ts'

/** 10 metrics and 10 params a run. */
const KEYS = Array.from({ length: 10 }, (_, index) => index)
const FILL = new URL('fill.py', import.meta.url).pathname

/** Millwright on SQLite that holds so many runs already. */
export async function startOurs(runs: number): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'millwright-bench-tracking-'))
  await fill(layoutOf(folder).database, runs)
  return startUp(folder)
}

/** The same on a PostgreSQL server of its own, whose processes are counted. @param bin where its programs are */
export async function startOnPostgres(bin: string, runs: number): Promise<Program> {
  const postgres = await startPostgres(bin, { isDurable: true })
  postgres.query('create database millwright')
  const address = databaseUrl(postgres.url, 'millwright')
  await fill(address, runs)
  postgres.query('vacuum analyze', 'millwright')
  const folder = mkdtempSync(join(tmpdir(), 'millwright-bench-tracking-'))
  const program = await startUp(folder, { MILLWRIGHT_DATABASE: address })
  return {
    ...program,
    pids: () => [...program.pids(), ...treeOf(postgres.pid())],
    async stop() {
      await program.stop()
      await postgres.stop()
    },
  }
}

async function startUp(folder: string, env: Readonly<Record<string, string>> = {}): Promise<Program> {
  const port = await freePort()
  const up = [process.execPath, 'bin/millwright.js', 'up', '--port', String(port), '--data', folder]
  const program = await start(port, [up], {
    isReady: async () => (await fetch(`http://127.0.0.1:${port}/api/v1/status`)).ok,
    env,
  })
  return removing(program, folder)
}

/** As fill.py fills MLflow's. */
async function fill(address: DatabaseAddress, runs: number): Promise<void> {
  const db = await openDatabase(address)
  await ensureDefaultExperiment(db, 'mlflow-artifacts:/', Date.now())
  await db.transaction().execute(async (transaction) => {
    for (let index = 0; index < runs; index++) {
      const name = `run-${index}`
      const run = await createRun(transaction, {
        ...{ experiment: '0', runId: index.toString().padStart(32, '0'), userId: 'u', name },
        ...{ startTime: index, tags: [{ key: 'mlflow.runName', value: name }] },
      })
      const metrics = KEYS.map((key) => ({ key: `m${key}`, value: Math.sin(index * (key + 1)) }))
      await putMetrics(
        transaction,
        run.id,
        metrics.map((metric) => ({ ...metric, timestamp: 1, step: 0 })),
      )
      await putParams(
        transaction,
        run,
        KEYS.map((key) => ({ key: `p${key}`, value: `${(index * (key + 3)) % 17}` })),
      )
    }
  })
  await db.destroy()
}

/** MLflow on a folder that holds as many. */
export async function startTheirs(python: string, runs: number, runsJobs = false): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'millwright-bench-mlflow-'))
  const env = { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true' }
  const database = join(folder, 'mlflow.db')
  const options = { env, stdio: ['ignore', 'ignore', 'ignore'] as ['ignore', 'ignore', 'ignore'] }
  execFileSync(python, ['-m', 'mlflow', 'db', 'upgrade', `sqlite:///${database}`], options)
  execFileSync(python, [FILL, database, String(runs)], options)
  return removing(await startPeer(python, { folder, runsJobs }), folder)
}

const removing = (program: Program, folder: string): Program => ({
  ...program,
  async stop() {
    await program.stop()
    rmSync(folder, { recursive: true, force: true })
  },
})
