import { type Compression, decompress } from '../bytes/decompress.ts'
import { DEFAULT_LIMITS, type Limits } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import { type GlobalUse, unpickle } from '../pickle/unpickle.ts'
import type { Inert, InertObject } from '../pickle/values.ts'
import { chainObject } from '../sklearn/chain.ts'
import { chainOf } from './chain.ts'
import { type ContainerName, findContainer } from './containers.ts'
import { assertPickle } from './detect.ts'
import { notAModel } from './not-a-model.ts'
import { isObject } from './roles.ts'

/** A model file read as inert data. */
export type ModelFile = {
  readonly root: Inert
  readonly container: 'pickle' | 'joblib' | ContainerName
  readonly compression: Compression
  /** Of the pickle or the skops archive; 0 where there is none. */
  readonly protocol: number
  /** Every name in the file, sorted. */
  readonly globals: readonly GlobalUse[]
  readonly bytes: number
  readonly decompressedBytes: number
}

/**
 * Reads a model file of any format we know, compressed or not. Nothing in it is imported or called.
 * @throws ModelError format | hostile | limit | corrupt
 */
export function readModelFile(bytes: Uint8Array, limits: Partial<Limits> = {}): ModelFile {
  const all = { ...DEFAULT_LIMITS, ...limits }
  if (bytes.length > all.maxFileBytes)
    throw new ModelError('limit', `the file has ${bytes.length} bytes, more than ${all.maxFileBytes}`)
  const { content, compression } = decompress(bytes, all)
  const container = findContainer(content)
  if (container !== undefined) {
    const { root, protocol, globals, unpackedBytes } = container.read(content, all)
    const { name } = container
    const decompressedBytes = unpackedBytes
    return { root, container: name, compression, protocol, globals, bytes: bytes.length, decompressedBytes }
  }
  assertPickle(content)
  const { root, protocol, joblib, globals } = unpickle(content, all)
  return {
    root,
    container: joblib || compression !== 'none' ? 'joblib' : 'pickle',
    compression,
    protocol,
    globals,
    bytes: bytes.length,
    decompressedBytes: content.length,
  }
}

/**
 * The estimator at the root of a file; several objects that belong together become one.
 * @throws ModelError saying what the file holds instead
 */
export function estimatorOf({ root }: Pick<ModelFile, 'root'>): InertObject {
  if (isObject(root)) return root
  const chain = chainOf(root)
  if (chain === undefined) throw notAModel(root)
  return chainObject(chain)
}
