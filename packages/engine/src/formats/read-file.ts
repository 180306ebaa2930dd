import { type Compression, decompress } from '../bytes/decompress.ts'
import { DEFAULT_LIMITS, type Limits } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import { type GlobalUse, unpickle } from '../pickle/unpickle.ts'
import { DType, GlobalRef, type Inert, InertObject, NdArray } from '../pickle/values.ts'
import { type ContainerName, findContainer } from './containers.ts'
import { assertPickle } from './detect.ts'

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

/** The estimator at the root of a file. @throws ModelError saying what the file holds instead */
export function estimatorOf(file: ModelFile): InertObject {
  const { root } = file
  if (isEstimator(root)) return root
  const inside = contentsOf(root).find(isEstimator)
  const found = inside === undefined ? '' : ` with a ${inside.cls.qualified} in it`
  const hint =
    root instanceof GlobalRef
      ? 'save the fitted object, not its class'
      : `save the fitted estimator${inside === undefined ? '' : ' alone'} with joblib.dump`
  throw new ModelError('format', `the file holds ${nameOf(root)}${found}, not a model`, { hint })
}

const isEstimator = (value: Inert): value is InertObject =>
  value instanceof InertObject && !value.called && !value.cls.module.startsWith('pandas.')

function contentsOf(root: Inert): Inert[] {
  if (Array.isArray(root)) return root
  return root instanceof Map ? [...root.values()] : []
}

function nameOf(root: Inert): string {
  if (root instanceof NdArray) return 'a numpy array'
  if (root instanceof DType) return 'a numpy dtype'
  if (root instanceof GlobalRef) return `the class ${root.qualified} itself`
  if (root instanceof InertObject) return `a ${root.cls.qualified}`
  if (root instanceof Map) return 'a dictionary'
  if (Array.isArray(root)) return 'a list or tuple'
  if (root instanceof Set) return 'a set'
  if (root instanceof Uint8Array) return 'bytes'
  return root === null ? 'None' : `a ${typeof root}`
}
