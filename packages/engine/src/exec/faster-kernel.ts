import type { BlockKernel } from '../ops/op.ts'

/** Smaller blocks always take the kernel that is there from the start, and do not count. */
const LARGE_ROWS = 32
/** Rows in large blocks before a rival is built: whoever predicts as few gains nothing from it. */
const PATIENT_ROWS = 4096
/** Blocks that both kernels run, at least and at most, before the best time per row decides. */
const FEWEST_BLOCKS = 8
const MOST_BLOCKS = 64
/** A rival this much faster need not be watched longer; it becomes faster still when it is optimised. */
const CLEARLY = 0.8

/** Another kernel of the same answers, that may be faster. */
export type Rival = {
  /** One that was chosen elsewhere already. */
  readonly find: () => BlockKernel | undefined
  /** A generator of a step's work, that returns undefined when there is none; undefined: it is built elsewhere. */
  readonly build: (() => Generator<void, BlockKernel | undefined>) | undefined
  /** Told when the one that was built takes over. */
  readonly onChoice: () => void
}

/**
 * Runs `steady` until many rows have come in large blocks; then builds a rival of the same answers, a step per block,
 * lets both run and keeps the one that was faster on this machine for the large blocks to come. A rival that answers
 * one bit differently is dropped.
 */
export function fasterKernel(steady: BlockKernel, { find, build, onChoice }: Rival): BlockKernel {
  let seen = 0
  const patient: BlockKernel = (inputs, out, rows) => {
    const found = find()
    if (found !== undefined) large = found
    ;(found ?? steady)(inputs, out, rows)
    seen += rows
    if (large === patient && build !== undefined && seen >= PATIENT_ROWS) large = building(build())
  }
  const building =
    (steps: Generator<void, BlockKernel | undefined>): BlockKernel =>
    (inputs, out, rows) => {
      steady(inputs, out, rows)
      const step = steps.next()
      if (step.done === true) large = step.value === undefined ? steady : race(step.value)
    }
  const race = (rival: BlockKernel): BlockKernel => {
    const [ours, theirs] = [timed(steady), timed(rival)]
    let blocks = 0
    return (inputs, out, rows) => {
      theirs.run(inputs, out, rows)
      const numbers = out.numbers.slice(0, rows * out.type.width)
      ours.run(inputs, out, rows)
      blocks++
      if (numbers.some((number, i) => !Object.is(number, out.numbers[i]))) large = steady
      else if (blocks >= FEWEST_BLOCKS && theirs.best() < CLEARLY * ours.best()) choose(rival)
      else if (blocks >= MOST_BLOCKS) choose(theirs.best() < ours.best() ? rival : steady)
    }
  }
  const choose = (kernel: BlockKernel): void => {
    large = kernel
    if (kernel !== steady) onChoice()
  }
  let large = patient
  return (inputs, out, rows) => (rows < LARGE_ROWS ? steady : large)(inputs, out, rows)
}

/** A kernel and its best time per row so far, in milliseconds. */
function timed(kernel: BlockKernel): { run: BlockKernel; best: () => number } {
  let best = Number.POSITIVE_INFINITY
  return {
    run: (inputs, out, rows) => {
      const start = performance.now()
      kernel(inputs, out, rows)
      best = Math.min(best, (performance.now() - start) / rows)
    },
    best: () => best,
  }
}
