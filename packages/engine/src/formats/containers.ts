import type { Limits } from '../bytes/limits.ts'
import { latin1 } from '../bytes/text.ts'
import { PROGRAM_START } from '../ir/codec.ts'
import type { GlobalUse } from '../pickle/unpickle.ts'
import { GlobalRef, type Inert, InertObject } from '../pickle/values.ts'
import { programObject } from './program.ts'
import { readSkops } from './skops/read.ts'

export type ContainerName =
  | 'skops'
  | 'xgboost-json'
  | 'xgboost-ubjson'
  | 'xgboost-binary'
  | 'lightgbm-text'
  | 'catboost-json'
  | 'catboost-binary'
  | 'onnx'
  | 'millwright'

/** What is inside a file that is not a pickle, as the values a pickle of the same model would give. */
type Contents = {
  readonly root: Inert
  readonly protocol: number
  readonly globals: readonly GlobalUse[]
  readonly unpackedBytes: number
}

type Container = {
  readonly name: ContainerName
  /** Told by the first bytes (latin1); those of an archive by the last ones too. */
  readonly test: (head: string, tail: string) => boolean
  readonly read: (bytes: Uint8Array, limits: Limits) => Contents
}

/** A booster's own file becomes the object that holds it inside a pickle. Its family reads it when lowering. */
const held =
  (module: string, name: string, attribute: string): Container['read'] =>
  (bytes) => {
    const root = new InertObject(new GlobalRef(module, name), [], false)
    root.state = new Map([[attribute, bytes]])
    return { root, protocol: 0, globals: [], unpackedBytes: bytes.length }
  }

const catboost = held('catboost.core', 'CatBoost', 'model')
const xgboost = held('xgboost.core', 'Booster', 'handle')

const CONTAINERS: readonly Container[] = [
  {
    name: 'skops',
    test: (head, tail) => head.startsWith('PK\x03\x04') && tail.includes('schema.json'),
    read: readSkops,
  },
  {
    name: 'xgboost-json',
    test: (head) => /^\s*\{\s*"(learner|version)"/.test(head) && head.includes('"learner"'),
    read: xgboost,
  },
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the length of a key in UBJSON
  { name: 'xgboost-ubjson', test: (head) => /^\{[iUIlL][\x00-\x07]{1,8}learner/.test(head), read: xgboost },
  { name: 'xgboost-binary', test: (head) => head.startsWith('binf'), read: xgboost },
  {
    name: 'lightgbm-text',
    test: (head) => /^tree\r?\nversion=/.test(head),
    read: held('lightgbm.basic', 'Booster', 'handle'),
  },
  {
    name: 'catboost-json',
    test: (head) =>
      /^\s*\{\s*"(features_info|oblivious_trees|trees|model_info|ctr_data|scale_and_bias)"/.test(head),
    read: catboost,
  },
  { name: 'catboost-binary', test: (head) => head.startsWith('CBM1'), read: catboost },
  {
    name: 'onnx',
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the version of the format, then a field of the model
    test: (head) => /^\x08[\x03-\x1f][\x12\x1a"(2:B]/.test(head),
    read: held('onnx', 'ModelProto', 'model'),
  },
  {
    name: 'millwright',
    test: (head) => head.startsWith(PROGRAM_START),
    read: (bytes) => ({
      root: programObject(bytes),
      protocol: 0,
      globals: [],
      unpackedBytes: bytes.length,
    }),
  },
]

const HEAD_BYTES = 4096
const TAIL_BYTES = 2 ** 17

/** The container of a file by its content; undefined for pickles and for what nobody knows. */
export function findContainer(bytes: Uint8Array): Container | undefined {
  const head = latin1(bytes.subarray(0, HEAD_BYTES))
  const tail = latin1(bytes.subarray(-TAIL_BYTES))
  return CONTAINERS.find(({ test }) => test(head, tail))
}
