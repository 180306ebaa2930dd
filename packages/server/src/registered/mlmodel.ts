import { parse } from 'yaml'

/** What an `MLmodel` file says, as far as serving needs it. */
export type Mlmodel = {
  /** The file that the engine can read, and its flavor; undefined: there is none. */
  readonly file: { readonly flavor: string; readonly name: string } | undefined
  readonly flavors: readonly string[]
  /** Names of the columns that go in, in order; undefined: there is no signature, or it has no names. */
  readonly columns: readonly string[] | undefined
  /** File with a request that the model answers. */
  readonly example: string | undefined
}

/** Where each flavor says which file is the model; the ones we read, before those that hold the same in another form. */
const FILE_KEYS: readonly (readonly [flavor: string, key: string])[] = [
  ['sklearn', 'pickled_model'],
  ['lightgbm', 'data'],
  ['xgboost', 'data'],
  ['catboost', 'data'],
  ['onnx', 'data'],
]
/** A tree of names without links into itself may be large, not deep or repeated. */
const ALIASES = 0

/** @throws Error when it is no YAML, or not the form of such a file */
export function readMlmodel(text: string): Mlmodel {
  const root = objectOf(parse(text, { maxAliasCount: ALIASES }))
  const flavors = objectOf(root.flavors)
  const [file] = FILE_KEYS.flatMap(([flavor, key]) => {
    const name = objectOf(flavors[flavor])[key]
    return typeof name === 'string' ? [{ flavor, name }] : []
  })
  const { serving_input_path: example } = objectOf(root.saved_input_example_info)
  return {
    file,
    flavors: Object.keys(flavors),
    columns: columnsOf(objectOf(root.signature).inputs),
    example: typeof example === 'string' ? example : undefined,
  }
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}

/** Inputs are JSON in a text: a list of columns, or of tensors, which may have no names. */
function columnsOf(inputs: unknown): readonly string[] | undefined {
  if (typeof inputs !== 'string') return undefined
  const columns = JSON.parse(inputs) as unknown
  if (!Array.isArray(columns) || columns.length === 0) return undefined
  const names = columns.map((column) => objectOf(column).name)
  return names.every((name) => typeof name === 'string') ? names : undefined
}
