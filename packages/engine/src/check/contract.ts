import type { Method, Program } from '../ir/program.ts'
import { logProbability } from '../ops/log-probabilities.ts'

/**
 * How far an answer may be from the source library's own:
 * `bit-equal` not at all · `ulp4` 4 units in the last place · `abs1e-15` 1e-15 or 8 units · `abs1e-13` 1e-13 of the
 * largest magnitude in the answer, or relative 1e-12 · `rel1e-5` relative 1e-5 or 1e-6 · `exp1e-13`, `exp1e-5` of
 * logarithms: what they are the logarithms of is within 1e-13, 1e-5.
 */
export type Contract = (typeof CONTRACTS)[number]
/** From the strictest to the loosest. */
const CONTRACTS = ['bit-equal', 'ulp4', 'abs1e-15', 'abs1e-13', 'exp1e-13', 'rel1e-5', 'exp1e-5'] as const

/** Operations that repeat the library's arithmetic step by step. Whatever is not listed here is not promised to. */
const EXACT = new Set(
  [
    'input select concat low-byte cast-to-numbers check some-weight check-cells refuse-missing impute missing bin category-index one-hot',
    'look-up arithmetic clip binarize interpolate trees trees-onto to-float32 binary-proba average',
    'vote scatter constant threshold cap-at-one clipped-margin products pick expit exp log normalise',
    'densify sparse-concat sparse-select sparse-check sparse-scale sparse-binarize',
    'count-tokens hash-tokens record-features hashed-features label-set',
    'category-code category-sides category-byte mark-missing near-zero linear-f32 linear-leaves signed-square',
    'category-hash equals category-statistic',
    'tensor-elements choose pick-row weighted-median outlier-class duel-votes',
  ].flatMap((names) => names.split(' ')),
)

/** Operations that answer a choice: which one is the same unless two are closer than the numbers are exact. */
const CHOICES = new Set(['argmax', 'argmax-last', 'threshold', 'majority', 'nearest', 'vote', 'binarize'])

/** Operations whose last place depends on the machine the library ran on. */
const INEXACT: Readonly<Record<string, Contract>> = {
  exp: 'ulp4',
  expit: 'ulp4',
  log: 'ulp4',
  'expit-f32': 'ulp4',
  'exp-f32': 'ulp4',
  'softmax-f32': 'ulp4',
  'exp-normalise': 'ulp4',
  softmax: 'abs1e-15',
  'isolation-score': 'abs1e-15',
  'gaussian-logistic': 'rel1e-5',
  'softmax-in-order': 'abs1e-15',
  'log-one-plus-exp': 'ulp4',
  'raw-scores': 'ulp4',
  onnx: 'rel1e-5',
}

/**
 * The contract of every answer of a program, from the operations behind it: the loosest of them, where choices start
 * again at bit-equal.
 */
export function contractOf(program: Program): Partial<Record<Method, Contract>> {
  const contracts: Contract[] = []
  for (const { op, inputs, attrs } of program.nodes) {
    const read = loosest(inputs.map((ref) => contracts[ref]!))
    if (CHOICES.has(op)) contracts.push('bit-equal')
    else if (op === logProbability.name) contracts.push(ofLogarithm(read))
    else contracts.push(loosest([attrs.rounded === true ? 'abs1e-13' : ownContract(op), read]))
  }
  const ofOutput = program.outputs.map(({ name, parts, labels }) => [
    name,
    labels === undefined ? loosest(parts.map((ref) => contracts[ref]!)) : 'bit-equal',
  ])
  return Object.fromEntries(ofOutput)
}

/** The logarithm of a small probability shows errors that are small beside 1: only its exponential is promised. */
function ofLogarithm(probability: Contract): Contract {
  if (probability === 'bit-equal') return 'ulp4'
  return probability.endsWith('1e-5') ? 'exp1e-5' : 'exp1e-13'
}

const ownContract = (op: string): Contract => INEXACT[op] ?? (EXACT.has(op) ? 'bit-equal' : 'abs1e-13')

const loosest = (contracts: readonly Contract[]): Contract =>
  contracts.reduce((a, b) => (CONTRACTS.indexOf(a) > CONTRACTS.indexOf(b) ? a : b), 'bit-equal')
