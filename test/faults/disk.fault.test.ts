import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { mountSmallDisk, unmountDisk } from '../../packages/server/src/segments/testing-disk.ts'
import { eventually, temporaryFolder } from '../support/millwright.ts'
import { failed, figure, inWords } from './asking.ts'
import { type Serving, startServing } from './server.ts'

const MAY_MOUNT = process.getuid?.() === 0
let server: Serving | undefined
let mounted: string | undefined
afterEach(async () => {
  await server?.end().catch(() => {})
  if (mounted !== undefined) unmountDisk(mounted)
  server = mounted = undefined
})

/** The data folder, or the folder of the prediction log in it, on a disk of its own. */
async function startOnDisk(path: string, megabytes: number): Promise<Serving> {
  const data = temporaryFolder()
  const disk = join(data, path)
  mkdirSync(disk, { recursive: true })
  if (!mountSmallDisk(disk, megabytes)) throw new Error(`cannot mount a disk on ${disk}`)
  mounted = disk
  // A small backlog, so that it is full while the test looks on.
  server = await startServing({ data, env: { MILLWRIGHT_LOG_BACKLOG_BYTES: '20000' } })
  return server
}

/** Takes what is left. */
function fillDisk(path: string): void {
  for (let size = 4 << 20; size >= 512; size >>= 1)
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
}

const metrics = async ({ url }: Serving): Promise<string> => (await fetch(`${url}/metrics`)).text()
async function dropped(on: Serving): Promise<number> {
  const lines = (await metrics(on)).matchAll(/^millwright_log_dropped_total\{.*\} (\d+)$/gm)
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0)
}
async function logged(on: Serving): Promise<string> {
  const { data } = (await (await fetch(`${on.url}/api/v1/predictions?limit=1`)).json()) as {
    data: { id: string }[]
  }
  return data[0]?.id ?? ''
}

test.runIf(MAY_MOUNT).each(['full', 'read-only'] as const)(
  'the disk of the prediction log %s: predictions go on, what is dropped is counted, and it goes on by itself',
  async (kind) => {
    const on = await startOnDisk('segments', 2)
    const remount = (mode: string) => spawnSync('/bin/mount', ['-o', `remount,${mode}`, mounted!])
    const filler = join(mounted!, 'filler')
    const asking = on.predictions({ perSecond: 200 })
    if (kind === 'full') fillDisk(filler)
    // What is open for writing keeps a disk from becoming read-only: segments are sealed first.
    else await eventually(async () => remount('ro').status === 0)
    await eventually(async () => (await dropped(on)) > 0, 30_000)
    if (kind === 'full') rmSync(filler)
    else remount('rw')
    const before = await logged(on)
    await eventually(async () => (await logged(on)) > before, 30_000)
    const answers = await asking.stop()

    figure(`disk of the log ${kind}`, `${inWords(answers)}; ${await dropped(on)} records dropped and counted`)
    expect(failed(answers)).toEqual([])
  },
)

test.runIf(MAY_MOUNT)(
  'the disk of everything full: predictions go on, changes and jobs are refused in words, and made once there is space',
  async () => {
    const on = await startOnDisk('.', 24)
    const filler = join(mounted!, 'filler')
    const asking = on.predictions()
    const later = { path: '/api/v1/deployments/churn/predict?async=1', perSecond: 5 }
    fillDisk(filler)
    const refused = await on.change('promote', { version: 2 })
    const jobs = on.predictions(later)
    await sleep(1_000)
    const refusedJobs = await jobs.stop()
    rmSync(filler)
    const made = await eventually(async () => {
      const change = await on.change('promote', { version: 2 })
      return change.status === 200 && change
    })
    const answers = await asking.stop()

    const statuses = [...new Set(refusedJobs.map(({ status }) => status))]
    figure(
      'disk of everything full',
      `${inWords(answers)}; a change: ${refused.status}, jobs: ${statuses}, afterwards ${made.status}`,
    )
    expect(failed(answers)).toEqual([])
    expect([refused.status, statuses]).toEqual([507, [507]])
    expect(refused.text).toContain('STORAGE_FULL')
  },
)
