import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ModelVersion, Status } from '@millwright/contracts'
import { expect, test } from 'vitest'
import { readBlob } from '../../packages/server/src/blobs/blob-store.ts'
import { folderBlobs } from '../../packages/server/src/blobs/folder.ts'
import { layoutOf } from '../../packages/server/src/layout.ts'
import {
  cli,
  eventually,
  keepAsking,
  ROOT,
  settled,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'
import { createRandom } from './registry-child.ts'

const KILLS = 12
const SEED = 7
const MODELS = ['v2', 'v3'].map((name) =>
  readFileSync(join(ROOT, `examples/churn/models/churn_model_${name}.pkl`)),
)

test('control killed while the command line deploys leaves whole versions, and predictions do not notice', {
  timeout: 180_000,
}, async () => {
  const server = await startMillwright({ args: ['--deploy', 'examples/churn'] })
  const { url, pids } = server
  await eventually(async () => (await cli(['predict', 'churn', '--row', '{}'], { url })).code === 1)
  // The other gateway may be loading it yet.
  await settled(server)
  const asking = keepAsking(url)
  const random = createRandom(SEED)
  const folder = temporaryFolder()
  let deployed = 0

  for (let kill = 0; kill < KILLS; kill++) {
    const file = join(folder, `churn_model_k${kill}.pkl`)
    writeFileSync(file, markedModel(kill))
    const [control] = pids().control
    const deploying = cli(['deploy', file, '--name', 'churn', '--label', `k${kill}`], { url })
    await sleep(150 + random() * 3_000)
    process.kill(control!, 'SIGKILL')
    deployed += Number((await deploying).code === 0)
    await eventually(async () => pids().control[0] !== undefined && pids().control[0] !== control)
    await eventually(async () => (await cli(['status', '--json'], { url })).code === 0)
  }

  const versions = await settledVersions(url)
  const status = JSON.parse((await cli(['status', '--json'], { url })).stdout) as Status
  const { asked, failures } = await asking.stop()
  await server.stop()
  console.log(
    `${deployed} of ${KILLS} deploys ended well; ${versions.length} versions; ${asked} asked, ${failures.length} failed`,
  )

  expect(failures).toEqual([])
  expect(asked).toBeGreaterThan(KILLS * 50)
  expect(versions.map(({ number }) => number)).toEqual(versions.map((_, i) => versions.length - i))
  expect(versions.filter((version) => !isWhole(version))).toEqual([])
  expect(versions.length).toBeGreaterThan(deployed)
  expect(await brokenBlobs(server.data, versions)).toEqual([])
  expect(versions.map(({ number }) => number)).toContain(status.deployments[0]!.version.number)
  expect(status.gateways.map(({ epoch }) => epoch)).toEqual(status.gateways.map(() => status.epoch))
})

/** Read and checked, or given up because control ended each time that it was at hand. */
const isWhole = ({ state, reason }: ModelVersion): boolean =>
  state === 'READY' || (state === 'REFUSED' && /ended the server 3 times/.test(reason ?? ''))

/** Other bytes, the same model: behind the protocol a number is pushed and popped again (BININT1, POP). */
function markedModel(mark: number): Buffer {
  const model = MODELS[mark % 2]!
  return Buffer.concat([model.subarray(0, 2), Buffer.from([0x4b, mark, 0x30]), model.subarray(2)])
}

/** All versions, once none is being read. */
async function settledVersions(url: string): Promise<ModelVersion[]> {
  return eventually(async () => {
    const { data } = JSON.parse((await cli(['models', 'churn', '--json'], { url })).stdout) as {
      data: ModelVersion[]
    }
    return data.some(({ state }) => state === 'PENDING') ? undefined : data
  }, 30_000)
}

/** Blobs, of files and of programs, whose bytes are not those of their name, and files of versions that are missing. */
async function brokenBlobs(data: string, versions: readonly ModelVersion[]): Promise<string[]> {
  const { blobs, incoming } = layoutOf(data)
  const store = folderBlobs(blobs, incoming)
  const missing = new Set(versions.map(({ digest }) => digest))
  const broken: string[] = []
  for await (const { digest } of store.list()) {
    const hash = createHash('sha256')
    hash.update(await readBlob(store, digest))
    if (hash.digest('hex') !== digest) broken.push(digest)
    missing.delete(digest)
  }
  return [...broken, ...missing]
}
