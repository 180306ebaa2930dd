import type { Answer, Cell } from '../src/ir/program.ts'
import { differences, type GoldenCase, readExpected } from './fixture.ts'

/** Where the answers of the framework itself are found among those of its ONNX export. */
const OF_FRAMEWORK: Readonly<Record<string, string>> = {
  library_predict: 'predict',
  library_predict_proba: 'predict_proba',
}

/**
 * What differs from the ONNX Runtime that made the case, and from the framework that the model was exported from. An
 * export rounds thresholds to float32: where the case's own ONNX Runtime answers another than the framework, so do we.
 */
export function onnxFaults(golden: GoldenCase, answers: readonly Answer[]): string[] {
  const { meta } = golden
  const expected = readExpected(golden)
  const contractOf = (name: string): string => meta.contracts?.[name] ?? meta.contract
  const own = Object.keys(expected).filter((name) => name !== 'dtype' && OF_FRAMEWORK[name] === undefined)
  const framework = Object.keys(expected).filter((name) => OF_FRAMEWORK[name] !== undefined)
  const ofRuntime = own.flatMap((name) => {
    const answer = answers.find((candidate) => candidate.name === name)
    return faultsOf(name, answer, expected[name], contractOf(name))
  })
  const ofFramework = framework.flatMap((name, i) => {
    const recorded = { ...answers[0]!, parts: [{ shape: [], data: flatten(expected[own[i]!]) }] }
    const ofExport = new Set(differences(recorded, expected[name], contractOf(name)).map(placeOf))
    const answer = answers.find((candidate) => candidate.name === OF_FRAMEWORK[name])
    const found = faultsOf(name, answer, expected[name], contractOf(name))
    return found.filter((fault) => !ofExport.has(placeOf(fault)))
  })
  return [...ofRuntime, ...ofFramework]
}

function faultsOf(name: string, answer: Answer | undefined, expected: unknown, contract: string): string[] {
  if (answer === undefined) return [`${name} is not answered`]
  return differences(answer, expected, contract).map((fault) => `${name} ${fault}`)
}

const placeOf = (fault: string): string => /\[\d+\]/.exec(fault)?.[0] ?? fault

const flatten = (value: unknown): Cell[] => (Array.isArray(value) ? value.flatMap(flatten) : [value as Cell])
