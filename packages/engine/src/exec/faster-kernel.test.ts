import { expect, test } from 'vitest'
import type { BlockKernel } from '../ops/op.ts'
import { numbers } from '../ops/op.ts'
import { fasterKernel } from './faster-kernel.ts'

let last = ''

/** Answers the same number for all rows, after so many turns of work, and leaves its name in `last`. */
const kernelOf =
  (name: string, turns: number, answer = -0): BlockKernel =>
  (_, out, rows) => {
    for (let i = 0; i < turns; i++) out.numbers[0] = Math.sqrt(out.numbers[0]! + i)
    out.numbers.fill(answer, 0, rows)
    last = name
  }

/** Who answered each of `count` blocks. */
function answers(kernel: BlockKernel, count: number, rows: number): string[] {
  const out = { type: numbers(1), numbers: new Float64Array(rows), cells: [] }
  return Array.from({ length: count }, () => {
    kernel([], out, rows)
    expect(out.numbers[0]).toBe(-0)
    return last
  })
}

const LARGE = 256

function raced(rival: BlockKernel | undefined, find: () => BlockKernel | undefined = () => undefined) {
  const seen = { choices: 0, steps: 0 }
  const build = function* () {
    seen.steps++
    yield
    seen.steps++
    return rival
  }
  const onChoice = () => {
    seen.choices++
  }
  const kernel = fasterKernel(kernelOf('steady', 20_000), { find, build, onChoice })
  return { kernel, seen }
}

test('a faster rival takes the large blocks over, and leaves the small ones', () => {
  const { kernel, seen } = raced(kernelOf('rival', 0))

  const first = answers(kernel, 200, LARGE)

  expect(first.slice(0, 26)).toEqual(new Array(26).fill('steady'))
  expect(first.slice(-100)).toEqual(new Array(100).fill('rival'))
  expect(answers(kernel, 3, 31)).toEqual(['steady', 'steady', 'steady'])
  expect(seen).toEqual({ choices: 1, steps: 2 })
})

test('a slower rival is dropped', () => {
  const { kernel, seen } = raced(kernelOf('rival', 100_000))

  expect(new Set(answers(kernel, 200, LARGE))).toEqual(new Set(['steady']))
  expect(seen).toEqual({ choices: 0, steps: 2 })
})

test('a rival that answers 0 for −0 is dropped, however fast', () => {
  const { kernel, seen } = raced(kernelOf('rival', 0, 0))

  expect(new Set(answers(kernel, 200, LARGE))).toEqual(new Set(['steady']))
  expect(seen).toEqual({ choices: 0, steps: 2 })
})

test('nothing is built for small blocks or few rows, and nothing taken over without a rival', () => {
  const { kernel, seen } = raced(undefined)

  answers(kernel, 500, 31)
  answers(kernel, 15, LARGE)
  expect(seen.steps).toBe(0)

  expect(new Set(answers(kernel, 400, 32))).toEqual(new Set(['steady']))
  expect(seen).toEqual({ choices: 0, steps: 2 })
})

test('a rival that was found elsewhere takes over when it is there, and none is built', () => {
  let found: BlockKernel | undefined
  const { kernel, seen } = raced(kernelOf('built', 0), () => found)

  const before = answers(kernel, 4, LARGE)
  found = kernelOf('found', 0)

  expect(new Set(before)).toEqual(new Set(['steady']))
  expect(new Set(answers(kernel, 400, LARGE))).toEqual(new Set(['found']))
  expect(seen).toEqual({ choices: 0, steps: 0 })
})
