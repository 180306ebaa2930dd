import { expect, test } from 'vitest'
import { compileProgram } from '../exec/compiled.ts'
import { interpret } from '../exec/reference.ts'
import { Graph } from '../ir/graph.ts'
import type { Program, Ref } from '../ir/program.ts'
import { sparseLinear, sparseNormalize, sparseScale, sublinear } from '../ops/sparse.ts'
import { countTokens } from '../ops/tokens.ts'
import { dropZeroWeights, findZeroWeights } from './zero-weights.ts'

const WORDS = ['free', 'hello', 'now', 'prize', 'the', 'win']
const WEIGHTS = [1.5, 0, -0.25, 0, 0, 2.125, 0, 0, 0.1, -0, 0, 3]

/** Counted words, weighed, then two linear scores. */
function spam(build: (graph: Graph, counts: Ref) => Ref, weights = WEIGHTS): Program {
  const graph = new Graph([{ name: 'text', kind: 'cell' }])
  const analyser = {
    lowercase: true,
    accents: '',
    unit: 'word',
    pattern: '(?u)\\b\\w\\w+\\b',
    stopWords: [],
    fewest: 1,
    most: 1,
  }
  const attrs = { ...analyser, vocabulary: WORDS, binary: false, single: false }
  const counts = graph.add(countTokens, [graph.input([0])], attrs)
  const linear = {
    weights: Float64Array.from(weights),
    bias: Float64Array.of(0.1, -0),
    single: false,
    width: 6,
  }
  const scores = graph.add(sparseLinear, [build(graph, counts)], linear)
  return {
    version: 1,
    origin: { library: 'none', libraryVersion: '0', estimator: 'spam' },
    inputs: graph.columns,
    nodes: graph.nodes,
    outputs: [{ name: 'decision_function', parts: [scores], shape: 'matrix', dtype: 'float64' }],
    classes: [],
  }
}

const scaled = (graph: Graph, counts: Ref): Ref =>
  graph.add(sparseScale, [graph.add(sublinear, [counts], {})], {
    by: 'multiply',
    values: Float64Array.of(1.1, 1.2, 1.3, 1.4, 1.5, 1.6),
    single: false,
  })

const texts = ['', 'the prize', 'Win win WIN the free prize now', 'hello', 'now now', 'free hello free the']
const answer = (program: Program, build: typeof interpret) =>
  build(program).run({ rows: texts.length, numbers: new Float64Array(0), cells: texts }, [
    'decision_function',
  ])

test('words without weight in any output go, and every answer keeps its bits', () => {
  const whole = spam(scaled)
  const smaller = dropZeroWeights(whole)

  expect(findZeroWeights(whole)).toEqual([{ columns: 6, zeros: 3, stays: undefined }])
  expect(smaller.nodes.find(({ op }) => op === 'count-tokens')?.attrs.vocabulary).toEqual([
    'free',
    'now',
    'win',
  ])
  expect(answer(smaller, interpret)).toEqual(answer(whole, interpret))
  expect(answer(smaller, compileProgram)).toEqual(answer(whole, interpret))
})

test('a model without any weight keeps one word', () => {
  const whole = spam(scaled, new Array<number>(12).fill(0))

  expect(answer(dropZeroWeights(whole), compileProgram)).toEqual(answer(whole, interpret))
})

test('words stay where they are part of the norm of a row, or read elsewhere', () => {
  const normalised = spam((graph, counts) => graph.add(sparseNormalize, [counts], { norm: 'l2' }))
  const infinite = spam((graph, counts) =>
    graph.add(sparseScale, [counts], {
      by: 'multiply',
      values: new Float64Array(6).fill(Number.POSITIVE_INFINITY),
      single: false,
    }),
  )

  for (const [program, reason] of [
    [normalised, 'rows are divided by their norm'],
    [infinite, 'a column is scaled by what is no number'],
  ] as const) {
    expect(findZeroWeights(program)[0]?.stays).toContain(reason)
    expect(dropZeroWeights(program)).toEqual(program)
  }
})
