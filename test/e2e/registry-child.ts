import { readFileSync } from 'node:fs'
import { RefusedFile } from '@millwright/engine'
import { compileBytes } from '../../packages/engine/src/sandbox/compile.ts'
import { ask, openTestControl, upload } from '../../packages/server/src/control/testing.ts'
import { checkProgram } from '../../packages/server/src/registry/check-program.ts'
import type { ReadModel } from '../../packages/server/src/registry/read-model.ts'

/**
 * What registry-kill.test.ts kills: a control process under changes from several sides, with small real models and
 * the engine that reads them in production. Tells its parent of everything that was answered.
 */

export type Told =
  | { readonly type: 'version'; readonly number: number; readonly digest: string }
  | { readonly type: 'revision'; readonly revision: number }

/** In this process: starting one for each file would leave few changes to kill. */
export const readHere: ReadModel = async (bytes, sample) => {
  const outcome = compileBytes(bytes, {})
  if ('refusal' in outcome) throw new RefusedFile(outcome.refusal, outcome.report)
  const { program, report } = outcome.compiled
  return { program, report, ...(await checkProgram(program, sample)) }
}

const FIXTURES = new URL('../../packages/engine/test/fixtures/scikit-learn-1.3.2/', import.meta.url)
/** The last one is refused. */
const FILES = [
  'tree-binary/model.joblib',
  'tree-pruned/model.p2.pkl',
  'rf-three-names/model.p5.pkl',
  'rf-three/model.joblib',
  'refused-lambda/model.pkl',
].map((name) => readFileSync(new URL(name, FIXTURES)))

/** A file nobody has seen: behind the protocol, a short text is pushed and popped again (SHORT_BINSTRING, POP). */
function newFile(random: () => number): Buffer {
  const file = FILES[Math.floor(random() * FILES.length)]!
  const text = Buffer.from(String(random()))
  const unused = Buffer.concat([Buffer.from([0x55, text.length]), text, Buffer.from('0')])
  return Buffer.concat([file.subarray(0, 2), unused, file.subarray(2)])
}

const WORKERS = 4

/** Numbers in [0, 1) from a seed, so that a run can be repeated. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

async function change(folder: string, seed: number): Promise<void> {
  const { app } = await openTestControl(folder, { readModel: readHere })
  const api = (method: 'POST' | 'PUT' | 'PATCH', path: string, body: unknown) =>
    ask(app, method, `/api/v1${path}`, body)
  const ready: number[] = []
  const tell = (told: Told) => process.send?.(told)

  const addVersion = async (random: () => number): Promise<void> => {
    const bytes = newFile(random)
    const digest = await upload(app, bytes)
    const sample = random() < 0.3 ? { sample: { rows: [{ x: random() }] } } : {}
    const { status, body } = await api('POST', '/models/m/versions', { digest, ...sample })
    if (status === 201) tell({ type: 'version', number: body.number as number, digest })
    if (status === 201) ready.push(body.number as number)
  }
  const revise = async (random: () => number): Promise<void> => {
    const version = ready[Math.floor(random() * ready.length)]
    if (version === undefined) return
    const choice = random()
    const { status, body } =
      choice < 0.5
        ? await api('POST', '/deployments/d/promote', { version })
        : choice < 0.7
          ? await api('POST', '/deployments/d/rollback', {})
          : choice < 0.8
            ? await api('PUT', '/models/m/aliases/candidate', { version })
            : await api('PATCH', '/deployments/d', { limits: { rows: 1 + Math.floor(random() * 1000) } })
    if (body.code === 'DEPLOYMENT_NOT_FOUND')
      await api('POST', '/deployments', { name: 'd', model: 'm', version })
    const { revision } = (body.revision ?? {}) as { revision?: number }
    if (status === 200 && revision !== undefined) tell({ type: 'revision', revision })
  }

  await Promise.all(
    Array.from({ length: WORKERS }, async (_, worker) => {
      const random = createRandom(seed * WORKERS + worker)
      while (process.connected) await (random() < 0.5 ? addVersion(random) : revise(random))
    }),
  )
}

const [folder, seed] = process.argv.slice(2)
if (folder !== undefined && seed !== undefined && process.send !== undefined) {
  await change(folder, Number(seed))
  process.exit(0)
}
