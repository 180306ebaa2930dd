import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readBlob } from '../../packages/server/src/blobs/blob-store.ts'
import type { Control } from '../../packages/server/src/control/open.ts'
import { openTestControl, temporaryFolder } from '../../packages/server/src/control/testing.ts'
import { layoutOf } from '../../packages/server/src/layout.ts'
import { RoutingSnapshot } from '../../packages/server/src/routing/snapshot.ts'
import { createRandom, readHere, type Told } from './registry-child.ts'

const KILLS = 30
const MOST_ANSWERS = 10
const SEED = 20_261
const CHILD = fileURLToPath(new URL('registry-child.ts', import.meta.url))

/** What was answered, and therefore has to be there ever after. */
type Promised = { readonly versions: Map<number, string>; revision: number; epoch: number }

test('killed at any moment, control finds every answered change and no half of another', {
  timeout: 240_000,
}, async () => {
  await using folder = await temporaryFolder()
  const layout = layoutOf(folder.path)
  const random = createRandom(SEED)
  const promised: Promised = { versions: new Map(), revision: 0, epoch: 0 }

  for (let round = 0; round < KILLS; round++) {
    const after = { answers: 1 + Math.floor(random() * MOST_ANSWERS), ms: random() * 100 }
    await killWhileChanging(folder.path, { seed: SEED + round, after, promised })
    if (existsSync(layout.routing)) readRouting(layout.routing, promised)

    const control = await openTestControl(folder.path, { readModel: readHere })
    expect(readdirSync(layout.incoming)).toEqual([])
    expect(readdirSync(layout.root).filter((name) => name.endsWith('.tmp'))).toEqual([])
    const routing = readRouting(layout.routing, promised)
    await nothingPending(control)
    await checkVersions(control, promised)
    await checkDeployment(control, routing, promised)
    await control.close()
  }

  expect(promised.versions.size).toBeGreaterThan(KILLS / 2)
  expect(promised.revision).toBeGreaterThan(KILLS)
})

/** Killed some time after a number of answers, so that there is as much to find on a slow machine. */
type Kill = {
  readonly seed: number
  readonly after: { readonly answers: number; readonly ms: number }
  readonly promised: Promised
}

async function killWhileChanging(folder: string, { seed, after, promised }: Kill): Promise<void> {
  const child: ChildProcess = fork(CHILD, [folder, String(seed)])
  const gone = new Promise((resolve) => child.once('close', resolve))
  let answers = 0
  const answered = new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the child ended with code ${code}`)))
    child.on('message', (told: Told) => {
      if (told.type === 'version') promised.versions.set(told.number, told.digest)
      else promised.revision = Math.max(promised.revision, told.revision)
      answers += 1
      if (answers === after.answers) resolve()
    })
  })
  await answered
  await sleep(after.ms)
  child.kill('SIGKILL')
  await gone
}

function readRouting(path: string, promised: Promised): RoutingSnapshot {
  const routing = RoutingSnapshot.parse(JSON.parse(readFileSync(path, 'utf8')))
  expect(routing.epoch).toBeGreaterThanOrEqual(promised.epoch)
  promised.epoch = routing.epoch
  return routing
}

const nothingPending = ({ context }: Control) =>
  expect
    .poll(() => context.db.selectFrom('versions').select('number').where('state', '=', 'PENDING').execute(), {
      timeout: 10_000,
    })
    .toEqual([])

async function checkVersions({ context: { db, blobs } }: Control, promised: Promised): Promise<void> {
  const versions = await db.selectFrom('versions').selectAll().orderBy('number').execute()
  expect(versions.map((version) => version.number)).toEqual(versions.map((_, i) => i + 1))
  const ready = versions.filter((version) => version.state === 'READY')
  for (const version of ready)
    for (const digest of [version.digest, version.program!, version.sample ?? version.digest])
      expect(
        createHash('sha256')
          .update(await readBlob(blobs, digest))
          .digest('hex'),
      ).toBe(digest)
  const found = new Map(ready.map((version) => [version.number, version.digest]))
  for (const [number, digest] of promised.versions) expect(found.get(number)).toBe(digest)
  const events = await db.selectFrom('events').select('type').execute()
  const count = (type: string) => events.filter((event) => event.type === type).length
  expect(count('version.created')).toBe(versions.length)
  expect(count('version.ready')).toBe(ready.length)
}

async function checkDeployment({ context: { db } }: Control, routing: RoutingSnapshot, promised: Promised) {
  const revisions = await db.selectFrom('deployment_revisions').selectAll().orderBy('revision').execute()
  expect(revisions.map((row) => row.revision)).toEqual(revisions.map((_, i) => i + 1))
  const current = revisions.at(-1)
  expect(current?.revision ?? 0).toBeGreaterThanOrEqual(promised.revision)
  expect(routing.deployments).toMatchObject(
    current === undefined ? [] : [{ revision: current.revision, version: { number: current.version } }],
  )
  const alias = await db.selectFrom('aliases').selectAll().where('alias', '=', 'production').execute()
  expect(alias.map((row) => row.version)).toEqual(current === undefined ? [] : [current.version])
  const events = await db.selectFrom('events').select('type').where('subject', '=', 'deployments/d').execute()
  expect(events).toHaveLength(revisions.length === 0 ? 0 : revisions.length + 1)
}
