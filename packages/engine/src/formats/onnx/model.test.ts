import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createRandom, mutate } from '../../../test/mutate.ts'
import { identity, tensorOf } from '../../../test/onnx-file.ts'
import { decodeProgram } from '../../ir/codec.ts'
import { splitHosted } from '../../ir/hosted.ts'
import { inputSchema } from '../../ir/schema.ts'
import { compileBytes } from '../../sandbox/compile.ts'
import { type Draft, encodeMessage } from './encode.ts'

const FIXTURES = new URL('../../../test/fixtures/onnx/', import.meta.url)
const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`${name}/model.onnx`, FIXTURES)))

const outcomeOf = (bytes: Uint8Array) => compileBytes(bytes, {})

function compiled(bytes: Uint8Array) {
  const outcome = outcomeOf(bytes)
  if ('refusal' in outcome) throw new Error(outcome.refusal.message)
  return { program: decodeProgram(outcome.compiled.program), report: outcome.compiled.report }
}

const refusalOf = (bytes: Uint8Array): string => {
  const outcome = outcomeOf(bytes)
  return 'refusal' in outcome ? `${outcome.refusal.kind}: ${outcome.refusal.message}` : 'compiled'
}

const summary = (bytes: Uint8Array) => {
  const { program } = compiled(bytes)
  return {
    inputs: program.inputs.map(({ name, kind }) => `${name} ${kind}`),
    outputs: program.outputs.map(({ name, shape, dtype }) => `${name} ${shape} ${dtype}`),
    classes: program.classes,
  }
}

describe('what a file says', () => {
  test('one input a column, texts too, a label and probabilities', () => {
    expect(summary(fixture('onnx-churn-strings'))).toMatchInlineSnapshot(`
      {
        "classes": [
          [
            "No",
            "Yes",
          ],
        ],
        "inputs": [
          "tenure number",
          "MonthlyCharges number",
          "TotalCharges number",
          "Contract cell",
          "InternetService cell",
          "PaymentMethod cell",
        ],
        "outputs": [
          "predict vector string",
          "predict_proba matrix float32",
          "label vector string",
          "probabilities matrix float32",
        ],
      }
    `)
    expect(inputSchema(compiled(fixture('onnx-churn-strings')).program).map(({ type }) => type)).toEqual([
      'number',
      'number',
      'number',
      'string',
      'string',
      'string',
    ])
  })

  test('dictionaries of a ZipMap are probabilities', () => {
    expect(summary(fixture('onnx-lightgbm'))).toMatchInlineSnapshot(`
      {
        "classes": [
          [
            0,
            1,
          ],
        ],
        "inputs": [
          "X[0] number",
          "X[1] number",
          "X[2] number",
          "X[3] number",
          "X[4] number",
        ],
        "outputs": [
          "predict vector int64",
          "predict_proba matrix float32",
          "label vector int64",
          "probabilities matrix float32",
        ],
      }
    `)
  })

  test('scores beside a label are no probabilities', () => {
    expect(summary(fixture('onnx-kmeans'))).toMatchInlineSnapshot(`
      {
        "classes": [],
        "inputs": [
          "X[0] number",
          "X[1] number",
          "X[2] number",
          "X[3] number",
        ],
        "outputs": [
          "predict vector int64",
          "label vector int64",
          "scores matrix float32",
        ],
      }
    `)
  })

  test('one value a row is a vector', () => {
    expect(summary(fixture('torch-perceptron')).outputs).toEqual([
      'predict vector float32',
      'output vector float32',
    ])
  })

  test('is reported', () => {
    const { report } = compiled(fixture('onnx-churn-strings'))

    expect(report).toMatchObject({ container: 'onnx', library: 'onnx', libraryVersion: 'skl2onnx 1.20.0' })
    expect(report.notes).toMatchInlineSnapshot(`
      [
        "written by skl2onnx 1.20.0",
        "IR version 8, opsets ai.onnx.ml 1, ai.onnx 11",
        "operators: Concat, Reshape, ai.onnx.ml.Imputer, ai.onnx.ml.LinearClassifier, ai.onnx.ml.OneHotEncoder, ai.onnx.ml.Scaler",
      ]
    `)
  })

  test('columns of a tensor are called by their index', () => {
    const image = { inputs: { name: 'image', type: tensorOf(['n', 1, 2, 2]) } }

    expect(summary(identity(image)).inputs).toEqual([
      'image[0][0][0] number',
      'image[0][0][1] number',
      'image[0][1][0] number',
      'image[0][1][1] number',
    ])
  })

  test('whole numbers and truth values are columns of their type', () => {
    const inputs = [
      { name: 'count', type: tensorOf(['n'], 7) },
      { name: 'flag', type: tensorOf(['n', 1], 9) },
    ]
    const columns = inputSchema(compiled(identity({ inputs })).program)

    expect(columns.map(({ name, type, nullable }) => ({ name, type, nullable }))).toEqual([
      { name: 'count', type: 'integer', nullable: false },
      { name: 'flag', type: 'boolean', nullable: false },
    ])
  })

  test('a first dimension of one is one row at a time', () => {
    const { program } = compiled(identity({ inputs: { name: 'x', type: tensorOf([1, 2]) } }))

    expect(splitHosted(program).model).toMatchObject({ rowByRow: true })
  })

  test('an initializer is no input, and an output that is not row by row is left out and named', () => {
    const graph = {
      inputs: [
        { name: 'x', type: tensorOf(['rows', 2]) },
        { name: 'weights', type: tensorOf([2]) },
      ],
      initializers: { name: 'weights', dims: 2, element: 1 },
      outputs: [
        { name: 'y', type: tensorOf(['rows', 2]) },
        { name: 'loss', type: tensorOf([]) },
      ],
    }

    expect(summary(identity(graph)).inputs).toEqual(['x[0] number', 'x[1] number'])
    expect(summary(identity(graph)).outputs).toEqual(['predict matrix float32', 'y matrix float32'])
    expect(compiled(identity(graph)).report.notes).toContain(
      "left out: output 'loss' is one value for all rows",
    )
  })
})

const PASSWD: Draft = {
  name: 'w',
  dims: 2,
  element: 1,
  location: 1,
  externalData: { key: 'location', value: '/etc/passwd' },
}
const inNode = (attribute: Draft): Draft => ({
  nodes: { inputs: 'x', outputs: 'y', operator: 'If', attributes: { name: 'then_branch', ...attribute } },
})
const input = (type: Draft): Buffer => identity({ inputs: { name: 'x', type } })

/** A graph inside a node inside a graph … */
const nested = (levels: number): Draft => (levels === 0 ? {} : inNode({ graph: nested(levels - 1) }))

const REFUSED: Readonly<Record<string, Uint8Array>> = {
  'weights in another file': identity({ initializers: PASSWD }),
  'weights in another file without saying where': identity({ initializers: { name: 'w', location: 1 } }),
  'weights in another file, in a node': identity(inNode({ tensor: PASSWD })),
  'weights in another file, in a branch': identity(inNode({ graph: { initializers: PASSWD } })),
  'weights in another file, sparse': identity({ sparseInitializers: { values: PASSWD } }),
  'weights in another file, in a function': identity(
    {},
    { functions: { name: 'f', nodes: { operator: 'Constant', attributes: { tensor: PASSWD } } } },
  ),
  'weights in another file, in training': identity({}, { training: { algorithm: { initializers: PASSWD } } }),
  'an operator of others': identity({
    nodes: { inputs: 'x', outputs: 'y', operator: 'Magic', domain: 'acme' },
  }),
  'an operator of others in a branch': identity(
    inNode({ graph: { nodes: { operator: 'Magic', domain: 'acme' } } }),
  ),
  'two graphs': Buffer.concat([identity(), encodeMessage('model', { graph: {} })]),
  'no graph': encodeMessage('model', { irVersion: 8, producer: 'by hand' }),
  'no inputs': identity({ inputs: [] }),
  'no outputs': identity({ outputs: [] }),
  'two inputs of one name': identity({ inputs: [1, 2].map(() => ({ name: 'x', type: tensorOf(['n', 1]) })) }),
  'an input without a type': identity({ inputs: { name: 'x' } }),
  'an input that is a sequence': input({ sequence: { of: tensorOf(['n']) } }),
  'an input that is optional': input({ optional: {} }),
  'an input of float16': input(tensorOf(['n', 2], 10)),
  'an input of unknown elements': input(tensorOf(['n', 2], 99)),
  'an input without a shape': input({ tensor: { element: 1 } }),
  'an input that is one value': input(tensorOf([])),
  'rows without a fixed length': input(tensorOf(['n', 'length'])),
  'rows of no length': input(tensorOf(['n', 0])),
  'rows of a negative length': input(tensorOf(['n', -3])),
  'four rows at a time': input(tensorOf([4, 2])),
  'a row of 2^40 values': input(tensorOf(['n', 2 ** 20, 2 ** 20])),
  'a row of 2^60 values': input(tensorOf(['n', 2 ** 60])),
  'an answer of 2^40 values': identity({ outputs: { name: 'y', type: tensorOf(['n', 2 ** 40]) } }),
  'an answer without a shape': identity({ outputs: { name: 'y', type: { tensor: { element: 1 } } } }),
  'graphs in graphs in graphs': identity(nested(60)),
  'a length beyond the end': Buffer.concat([identity(), Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f])]),
  'a number that never ends': Buffer.concat([identity(), Buffer.alloc(20, 0xff)]),
  'text that is not UTF-8': identity({ inputs: { name: Buffer.from([0xff, 0xfe]), type: tensorOf(['n']) } }),
}

test('what cannot be served is refused with the reason and what to do', () => {
  const refusals = Object.entries(REFUSED).map(([what, bytes]) => [what, refusalOf(bytes)])

  expect(Object.fromEntries(refusals)).toMatchInlineSnapshot(`
    {
      "a length beyond the end": "corrupt: the file ends in the middle of a value; export the model again, or copy the file again",
      "a number that never ends": "corrupt: the file starts like an ONNX model and is none; export the model again, or copy the file again",
      "a row of 2^40 values": "limit: says it reads 1099511627776 columns, at most 250000 are taken",
      "a row of 2^60 values": "limit: says it reads 1152921504606847000 columns, at most 250000 are taken",
      "an answer of 2^40 values": "limit: the model answers 1099511627776 values a row, at most 1048576 are taken; export it without the outputs that nobody reads",
      "an answer without a shape": "unsupported: the model answers nothing row by row; output 'y' has no known shape (run onnx.shape_inference.infer_shapes on the model, or fix it in the export)",
      "an input of float16": "unsupported: input 'x': its elements (type 10) are not served; export the model with inputs of float32, float64, integers, bool or string",
      "an input of unknown elements": "unsupported: input 'x': its elements (type 99) are not served; export the model with inputs of float32, float64, integers, bool or string",
      "an input that is a sequence": "unsupported: input 'x': it is no tensor but a sequence, a dictionary or optional; export the model with tensors as inputs",
      "an input that is one value": "unsupported: input 'x': it has no dimension of rows; export it with a first dimension that is free (torch: dynamic_axes or dynamic_shapes, tf2onnx: a signature of [None, …]) and the others fixed",
      "an input that is optional": "unsupported: input 'x': it is no tensor but a sequence, a dictionary or optional; export the model with tensors as inputs",
      "an input without a shape": "unsupported: input 'x': it has no dimension of rows; export it with a first dimension that is free (torch: dynamic_axes or dynamic_shapes, tf2onnx: a signature of [None, …]) and the others fixed",
      "an input without a type": "corrupt: the model has 0 types of an input, expected one; export it again",
      "an operator of others": "unsupported: the operator acme.Magic is an extension of ONNX; export the model with the operators of ONNX, or do this step before the model",
      "an operator of others in a branch": "unsupported: the operator acme.Magic is an extension of ONNX; export the model with the operators of ONNX, or do this step before the model",
      "four rows at a time": "unsupported: input 'x': it takes exactly 4 rows at a time; export it with a first dimension that is free (torch: dynamic_axes or dynamic_shapes, tf2onnx: a signature of [None, …]) and the others fixed",
      "graphs in graphs in graphs": "limit: the file has more than 100 levels of messages; no model we know needs as many; raise the limit if this one does",
      "no graph": "corrupt: the model has 0 graphs, expected one; export it again",
      "no inputs": "unsupported: the model has no inputs: it always answers the same",
      "no outputs": "unsupported: the model answers nothing row by row",
      "rows of a negative length": "unsupported: input 'x': its rows have no fixed shape; export it with a first dimension that is free (torch: dynamic_axes or dynamic_shapes, tf2onnx: a signature of [None, …]) and the others fixed",
      "rows of no length": "unsupported: input 'x': its rows have no fixed shape; export it with a first dimension that is free (torch: dynamic_axes or dynamic_shapes, tf2onnx: a signature of [None, …]) and the others fixed",
      "rows without a fixed length": "unsupported: input 'x': its rows have no fixed shape; export it with a first dimension that is free (torch: dynamic_axes or dynamic_shapes, tf2onnx: a signature of [None, …]) and the others fixed",
      "text that is not UTF-8": "corrupt: the file has text that is not valid UTF-8",
      "two graphs": "corrupt: the model has 2 graphs, expected one; export it again",
      "two inputs of one name": "corrupt: the inputs of the model have no names of their own; export it again",
      "weights in another file": "hostile: the weights of the model lie in another file; save it as one file: onnx.save(onnx.load("model.onnx"), "one.onnx", save_as_external_data=False)",
      "weights in another file without saying where": "hostile: the weights of the model lie in another file; save it as one file: onnx.save(onnx.load("model.onnx"), "one.onnx", save_as_external_data=False)",
      "weights in another file, in a branch": "hostile: the weights of the model lie in another file; save it as one file: onnx.save(onnx.load("model.onnx"), "one.onnx", save_as_external_data=False)",
      "weights in another file, in a function": "hostile: the weights of the model lie in another file; save it as one file: onnx.save(onnx.load("model.onnx"), "one.onnx", save_as_external_data=False)",
      "weights in another file, in a node": "hostile: the weights of the model lie in another file; save it as one file: onnx.save(onnx.load("model.onnx"), "one.onnx", save_as_external_data=False)",
      "weights in another file, in training": "hostile: the weights of the model lie in another file; save it as one file: onnx.save(onnx.load("model.onnx"), "one.onnx", save_as_external_data=False)",
      "weights in another file, sparse": "hostile: the weights of the model lie in another file; save it as one file: onnx.save(onnx.load("model.onnx"), "one.onnx", save_as_external_data=False)",
    }
  `)
})

test('a function of its own is no operator of others', () => {
  const own = { domain: 'pkg.torch', name: 'gelu', nodes: { operator: 'Tanh', inputs: 'x', outputs: 'y' } }
  const bytes = identity(
    { nodes: { inputs: 'x', outputs: 'y', operator: 'gelu', domain: 'pkg.torch' } },
    { functions: own },
  )

  expect(refusalOf(bytes)).toBe('compiled')
})

describe('broken files', () => {
  test('cut off at any byte are refused, or whole as far as they say', () => {
    const bytes = fixture('onnx-kmeans')

    const timed = Array.from(bytes, (_, length) => {
      const start = performance.now()
      return { outcome: refusalOf(bytes.subarray(0, length)), millis: performance.now() - start }
    })

    expect(timed.filter(({ outcome }) => outcome === 'compiled').length).toBeLessThan(10)
    expect(Math.max(...timed.map(({ millis }) => millis))).toBeLessThan(2_000)
  })

  test.each(['onnx-churn-strings', 'onnx-lightgbm', 'torch-perceptron'])('%s, broken in 500 ways', (name) => {
    const random = createRandom(20_261_128)
    const original = fixture(name)
    let refused = 0

    for (let round = 0; round < 500; round++) {
      const outcome = outcomeOf(mutate(original, random))
      if ('refusal' in outcome) refused++
      else splitHosted(decodeProgram(outcome.compiled.program))
    }

    expect(refused).toBeGreaterThan(50)
  })
})
