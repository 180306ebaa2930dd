import { DType, GlobalRef, type Inert, InertObject, NdArray } from '../src/pickle/values.ts'
import { doubles, object } from './inert.ts'

/** A structured numpy array: every field float64, whatever the library stores it as. */
export function records(columns: Readonly<Record<string, readonly number[]>>): NdArray {
  const names = Object.keys(columns)
  const rows = columns[names[0]!]!.length
  const dtype = new DType('V', names.length * 8, false)
  dtype.fields = new Map(
    names.map((name, i) => [name, { dtype: new DType('f', 8, false), offset: i * 8 }] as const),
  )
  const values = Float64Array.from({ length: rows * names.length }, (_, i) => {
    return columns[names[i % names.length]!]![Math.floor(i / names.length)]!
  })
  return new NdArray([rows], dtype, false, new Uint8Array(values.buffer))
}

type Nodes = Readonly<Record<string, readonly number[]>>

/** A `tree_`: node fields over the defaults of a leaf, and one row of values per node. */
export function fittedTree(nodes: Nodes, values: readonly (readonly number[])[]): InertObject {
  const fill = (value: number) => values.map(() => value)
  const tree = new InertObject(new GlobalRef('sklearn.tree._tree', 'Tree'), [], true)
  tree.state = new Map<Inert, Inert>([
    [
      'nodes',
      records({
        left_child: fill(-1),
        right_child: fill(-1),
        feature: fill(-2),
        threshold: fill(-2),
        weighted_n_node_samples: fill(1),
        ...nodes,
      }),
    ],
    ['values', doubles(values.flat(), [values.length, 1, values[0]!.length])],
  ])
  return tree
}

/** x[feature] <= 0.5 answers the first row of values, else the second. */
export const stump = (left: readonly number[], right: readonly number[], nodes: Nodes = {}): InertObject =>
  fittedTree(
    {
      left_child: [1, -1, -1],
      right_child: [2, -1, -1],
      feature: [0, -2, -2],
      threshold: [0.5, -2, -2],
      ...nodes,
    },
    [left, left, right],
  )

/** A fitted DecisionTreeRegressor around a `tree_`. */
export const regressionTree = (tree: Inert, attributes: Readonly<Record<string, Inert>> = {}): InertObject =>
  object('sklearn.tree._classes.DecisionTreeRegressor', {
    criterion: 'squared_error',
    splitter: 'best',
    n_features_in_: 2,
    tree_: tree,
    ...attributes,
  })
