import { expect, test } from 'vitest'
import { readMlmodel } from './mlmodel.ts'

const SKLEARN = `flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.pkl
  sklearn:
    pickled_model: model.pkl
    serialization_format: cloudpickle
saved_input_example_info:
  artifact_path: input_example.json
  serving_input_path: serving_input_example.json
  type: dataframe
signature:
  inputs: '[{"type": "string", "name": "city", "required": true}, {"type": "long", "name": "age",
    "required": true}]'
`

test('says which file is the model, what goes in, and where an example is', () => {
  expect(readMlmodel(SKLEARN)).toEqual({
    file: { flavor: 'sklearn', name: 'model.pkl' },
    flavors: ['python_function', 'sklearn'],
    columns: ['city', 'age'],
    example: 'serving_input_example.json',
  })
})

test('tensors without names are no columns, and a flavor that nobody reads has no file', () => {
  const text = `flavors: {pytorch: {model_data: data}}\nsignature: {inputs: '[{"type": "tensor", "tensor-spec": {}}]'}`

  expect(readMlmodel(text)).toEqual({
    file: undefined,
    flavors: ['pytorch'],
    columns: undefined,
    example: undefined,
  })
})

test.each([
  ['no YAML', 'flavors: [', /flow/i],
  ['a tree that repeats itself', `a: &a [x]\nb: *a`, /alias/i],
])('%s is refused', (_, text, message) => {
  expect(() => readMlmodel(text)).toThrow(message)
})
