import { assertColumnCount, DEFAULT_LIMITS } from '../bytes/limits.ts'
import { encodeMessage } from '../formats/onnx/encode.ts'
import {
  type OnnxElement,
  type OnnxInput,
  type OnnxModel,
  type OnnxOutput,
  readOnnx,
} from '../formats/onnx/model.ts'
import type { Graph } from '../ir/graph.ts'
import type { Cell, Ref } from '../ir/program.ts'
import { onnx, tensorElements } from '../ops/onnx.ts'
import { sizeOf } from '../ops/tensor-shape.ts'
import type { InertObject } from '../pickle/values.ts'
import type { Estimator } from '../sklearn/estimator.ts'
import { type Family, type Lower, type LoweredOutput, once } from '../sklearn/lowering.ts'

/** Most values that one row is answered with. */
const MOST_ANSWERED = 2 ** 20

const models = new WeakMap<InertObject, OnnxModel>()

/** The model of an ONNX file, read once. @throws ModelError */
function modelOf(estimator: Estimator): OnnxModel {
  let model = models.get(estimator.object)
  if (model === undefined) {
    const bytes = estimator.find('model')
    if (!(bytes instanceof Uint8Array)) throw estimator.error('corrupt', 'the model has no bytes')
    model = readOnnx(bytes, DEFAULT_LIMITS)
    models.set(estimator.object, model)
  }
  return model
}

const lowerOnnx: Lower = (estimator, x, { graph }) => {
  const model = modelOf(estimator)
  const { inputs, outputs, rowByRow, leftOut } = model
  if (outputs.length === 0)
    throw estimator.error(
      'unsupported',
      `the model answers nothing row by row${leftOut.map((what) => `; ${what}`).join('')}`,
    )
  const width = inputs.reduce((sum, input) => sum + sizeOf(input), 0)
  const answered = outputs.reduce((sum, output) => sum + sizeOf(output), 0)
  if (answered > MOST_ANSWERED)
    throw estimator.error(
      'limit',
      `the model answers ${answered} values a row, at most ${MOST_ANSWERED} are taken`,
      'export it without the outputs that nobody reads',
    )
  if (graph.width(x) !== width)
    throw estimator.error('format', `the model reads ${width} columns, gets ${graph.width(x)}`)
  const runs = inputs.map((input) => ({ element: input.element, width: sizeOf(input) }))
  expectTexts(graph, x, inputs)
  const attrs = {
    model: withMatrices(model),
    inputs: inputs.map((input) => ({ ...input })),
    outputs: outputs.map(({ name, element, shape, dictionaries }) => ({
      name: dictionaries?.tensor ?? name,
      element,
      shape,
    })),
    rowByRow,
  }
  const answer = once(() => graph.add(onnx, [graph.add(tensorElements, [x], { runs })], attrs))
  const named = outputs.map((output, i) => {
    const start = outputs.slice(0, i).reduce((sum, before) => sum + sizeOf(before), 0)
    return [output.name, once(() => answerOf(graph, output, { answer: answer(), start }))] as const
  })
  const classes = classesOf(model)
  return {
    methods: {
      predict: named[0]![1],
      ...(isClassifier(outputs) ? { predict_proba: named[1]![1] } : {}),
      ...Object.fromEntries(named),
    },
    ...(classes === undefined ? {} : { classes: [classes] }),
  }
}

const FLOAT = 1

/**
 * The file, whose graph also answers the matrices that its dictionaries are made of: ONNX Runtime hands dictionaries to
 * C++ and Python only. Messages written after another are merged with it.
 */
function withMatrices({ bytes, outputs }: OnnxModel): Uint8Array {
  const matrices = outputs.flatMap(({ dictionaries }) => dictionaries?.tensor ?? [])
  if (matrices.length === 0) return bytes
  const values = matrices.map((name) => ({ name, type: { tensor: { element: FLOAT } } }))
  return Buffer.concat([bytes, encodeMessage('model', { graph: { outputs: values } })])
}

/** Columns of text start as numbers like all others. @throws CellColumnsNeeded */
function expectTexts(graph: Graph, x: Ref, inputs: readonly OnnxInput[]): void {
  let column = 0
  const texts = inputs.flatMap((input) => {
    const own = Array.from({ length: sizeOf(input) }, () => column++)
    return input.element === 'string' ? own : []
  })
  if (texts.length > 0) graph.toCells(graph.select(x, texts))
}

/** One number or text a row is a vector; whatever has more is a matrix, each row in C order. */
function answerOf(
  graph: Graph,
  output: OnnxOutput,
  { answer, start }: { readonly answer: Ref; readonly start: number },
): LoweredOutput {
  const width = sizeOf(output)
  const columns = Array.from({ length: width }, (_, i) => start + i)
  const node = graph.select(answer, columns)
  return {
    parts: [output.element === 'string' ? node : graph.toNumbers(node)],
    shape: width === 1 ? 'vector' : 'matrix',
    dtype: output.element,
    ...(output.element === 'bool' ? { labels: columns.map(() => [false, true]) } : {}),
  }
}

const LABELS: ReadonlySet<OnnxElement> = new Set(['int64', 'int32', 'string', 'bool'])
const FLOATS: ReadonlySet<OnnxElement> = new Set(['float32', 'float64'])

/** A label of one value, then probabilities: as dictionaries, or called so. */
function isClassifier([label, scores]: readonly OnnxOutput[]): boolean {
  if (label === undefined || scores === undefined) return false
  const isProbability = scores.dictionaries !== undefined || /prob/i.test(scores.name)
  return LABELS.has(label.element) && sizeOf(label) === 1 && FLOATS.has(scores.element) && isProbability
}

function classesOf({ outputs, labelLists }: OnnxModel): readonly Cell[] | undefined {
  if (!isClassifier(outputs)) return undefined
  return outputs[1]!.dictionaries?.keys ?? labelLists.find((labels) => labels.length === sizeOf(outputs[1]!))
}

/** `X` for one value a row, else `X[0]`, `X[1]` …, `image[0][27][3]`: as the input is indexed. */
function columnNames(estimator: Estimator): readonly string[] {
  const { inputs } = modelOf(estimator)
  assertColumnCount(inputs.reduce((sum, input) => sum + sizeOf(input), 0))
  return inputs.flatMap(({ name, shape }) =>
    sizeOf({ shape }) === 1
      ? [name]
      : shape.reduce(
          (names, size) =>
            names.flatMap((prefix) => Array.from({ length: size }, (_, i) => `${prefix}[${i}]`)),
          [name],
        ),
  )
}

/** What an ONNX file says of itself besides. */
function notesOf(estimator: Estimator): string[] {
  const { irVersion, producer, opsets, operators, metadata, leftOut } = modelOf(estimator)
  return [
    ...(producer === '' ? [] : [`written by ${producer}`]),
    `IR version ${irVersion}, opsets ${opsets.map(({ domain, version }) => `${domain} ${version}`).join(', ')}`,
    `operators: ${operators.join(', ')}`,
    ...metadata.map(([key, value]) => `${key}: ${value}`),
    ...leftOut.map((what) => `left out: ${what}`),
  ]
}

/** Models of any library as ONNX files, run by ONNX Runtime. */
export const onnxFamily: readonly Family[] = [
  {
    names: ['onnx.ModelProto'],
    fields: '',
    columnNames,
    versionOf: (estimator) => modelOf(estimator).producer || undefined,
    notesOf,
    lower: lowerOnnx,
  },
]
