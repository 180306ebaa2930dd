import type { Cell } from '../../ir/program.ts'
import type { Message } from './wire.ts'

type Graph = Message<'graph'>

const LABELS = /^classlabels_(strings|int64s|ints)$/

/** Labels that a node of a classifier or a ZipMap carries. */
function labelsOfNode({ attributes }: Message<'node'>): Cell[] | undefined {
  return attributes
    .filter(({ name }) => LABELS.test(name[0] ?? ''))
    .map(({ strings, ints }): Cell[] => [...strings, ...ints])
    .find((labels) => labels.length > 0)
}

/** Where the dictionaries of an output come from: the matrix, and the key of each of its columns. */
export type Dictionaries = { readonly tensor: string; readonly keys: readonly Cell[] }

/** Undefined when the output is not written by a ZipMap. */
export function dictionariesOf({ nodes }: Graph, output: string): Dictionaries | undefined {
  const node = nodes.find(({ operator, outputs }) => operator[0] === 'ZipMap' && outputs[0] === output)
  const keys = node && labelsOfNode(node)
  const tensor = node?.inputs[0]
  return keys === undefined || tensor === undefined ? undefined : { tensor, keys }
}

const INT32 = 6
const INT64 = 7

/** A constant list of whole numbers or texts. */
function constantOf({ dims, element, strings, int32s, int64s, raw }: Message<'tensor'>): Cell[] | undefined {
  if (dims.length !== 1) return undefined
  if (strings.length > 0) return [...strings]
  const [bytes] = raw
  if (bytes === undefined) return [...int64s, ...int32s]
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (element[0] === INT64)
    return Array.from({ length: Math.floor(bytes.length / 8) }, (_, i) =>
      Number(view.getBigInt64(8 * i, true)),
    )
  if (element[0] === INT32)
    return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => view.getInt32(4 * i, true))
  return undefined
}

/** Most classes that are looked for among the constants of a model. */
const MOST_CLASSES = 10_000

/**
 * Labels of a classifier, in the order of its probabilities: of its own node, else the constants that its class index
 * is looked up in, as skl2onnx writes it. Every list that may be it; its length tells which one is.
 */
export function labelListsOf(graph: Graph): Cell[][] {
  const carried = graph.nodes.map((node) => labelsOfNode(node) ?? [])
  const looked = new Set(
    graph.nodes
      .filter(({ operator }) => operator[0] === 'ArrayFeatureExtractor')
      .map(({ inputs }) => inputs[0]),
  )
  const constants = graph.initializers
    .filter(({ name, dims }) => looked.has(name[0]) && (dims[0] ?? 0) <= MOST_CLASSES)
    .map((tensor) => constantOf(tensor) ?? [])
  return [...carried, ...constants].filter((labels) => labels.length > 0)
}
