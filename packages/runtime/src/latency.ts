import {
  boundaryRows,
  type Frame,
  joinRows,
  type Latency,
  type Program,
  quantilesOf,
  splitHosted,
  splitRows,
} from '@millwright/engine'
import { RowError } from '@millwright/engine/errors'
import type { Host } from './host.ts'

const ROWS = 64
const SEED = 3
const FEWEST_RUNS = 10

/**
 * What a row of a hosted model costs, the way to its process and back included: boundary rows for about twice `millis`,
 * alone and in batches.
 * @returns undefined when the model refuses every row
 */
export async function measureHostLatency(
  program: Program,
  host: Pick<Host, 'run'>,
  millis: number,
): Promise<Latency | undefined> {
  const methods = program.outputs.map(({ name }) => name)
  const singles: Frame[] = []
  for (const frame of splitRows(boundaryRows(splitHosted(program).before, ROWS, SEED), program.inputs))
    if (await host.run(frame, methods).then(() => true, isOther)) singles.push(frame)
  if (singles.length === 0) return undefined
  const timesOf = async (frames: readonly Frame[]): Promise<number[]> => {
    const times: number[] = []
    for (const end = performance.now() + millis; performance.now() < end || times.length < FEWEST_RUNS; ) {
      const frame = frames[times.length % frames.length]!
      const start = performance.now()
      await host.run(frame, methods)
      times.push(((performance.now() - start) * 1000) / frame.rows)
    }
    return times
  }
  const batch = joinRows(singles)
  return {
    single: quantilesOf(await timesOf(singles)),
    batch: { ...quantilesOf(await timesOf([batch])), rows: batch.rows },
  }
}

function isOther(error: unknown): false {
  if (error instanceof RowError) return false
  throw error
}
