import { DEFAULT_LIMITS, type Limits, outputTooLarge } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import type { GlobalUse } from '../pickle/unpickle.ts'
import type { Inert, InertObject } from '../pickle/values.ts'
import { type ChainParts, chainObject } from '../sklearn/chain.ts'
import { chainOf } from './chain.ts'
import { pickEntry } from './entries.ts'
import { notAModel } from './not-a-model.ts'
import { estimatorOf, type ModelFile, readModelFile } from './read-file.ts'
import { isObject } from './roles.ts'

/** A file, or one entry of the dictionary or tuple in it. Parts of one file share its bytes. */
export type Part = { readonly bytes: Uint8Array; readonly key?: string | undefined }

/** What one model is made of: its own file and what an application applies to a row before it. */
export type ModelParts = {
  readonly model: Part
  /** Transformers, in the order they are applied. */
  readonly after?: readonly Part[]
  /** Encoders of single columns, applied first. */
  readonly encode?: readonly (Part & { readonly column: string })[]
  /** Names of the columns that go in, in order; for models that were fitted without names. */
  readonly columns?: readonly string[] | undefined
}

/** Most files and entries of one model. */
const MAX_PARTS = 256

/**
 * Reads every file once, all of them within the limits of one, and puts their objects together.
 * @returns the root to lower and report, and what the files are together
 * @throws ModelError
 */
export function readParts(
  parts: ModelParts,
  limits: Partial<Limits>,
): { file: ModelFile; root: InertObject } {
  const { model, after = [], encode = [], columns } = parts
  if (1 + after.length + encode.length > MAX_PARTS)
    throw new ModelError('limit', `the model has more than ${MAX_PARTS} parts`)
  const files = readFiles([model, ...after, ...encode], { ...DEFAULT_LIMITS, ...limits })
  const contentOf = ({ bytes, key }: Part): Inert => {
    const { root } = files.get(bytes)!
    return key === undefined ? root : pickEntry(root, key)
  }
  const content = contentOf(model)
  const file = together([...files.values()])
  if (after.length === 0 && encode.length === 0 && columns === undefined)
    return { file, root: estimatorOf({ root: content }) }
  const chain = chainOf(content) ?? alone(content)
  const encoders = encode.map((part) => [part.column, encoderOf(contentOf(part), part)] as const)
  return {
    file,
    root: chainObject({
      steps: [...after.map((part, i) => stepOf(contentOf(part), i)), ...chain.steps],
      encoders: new Map([...(chain.encoders ?? []), ...encoders]),
      reasons: [...chain.reasons, 'parts and their order as given'],
      ...namesOfColumns(columns ?? chain.columnNames),
    }),
  }
}

const namesOfColumns = (names: readonly string[] | undefined): Pick<ChainParts, 'columnNames'> =>
  names === undefined ? {} : { columnNames: names }

function alone(content: Inert): ChainParts {
  if (!isObject(content)) throw notAModel(content)
  return { steps: [{ name: 'model', object: content }], reasons: [] }
}

function stepOf(content: Inert, i: number): ChainParts['steps'][number] {
  if (!isObject(content)) throw notAModel(content)
  return { name: `after ${i + 1}`, object: content }
}

/** @throws ModelError when the part is a file of several encoders and none was chosen */
function encoderOf(content: Inert, { column }: { readonly column: string }): InertObject {
  if (isObject(content)) return content
  const hint = content instanceof Map ? `choose one: --encode ${column}=FILE#${column}` : undefined
  throw new ModelError('format', `the encoder of '${column}' is no fitted object`, hint ? { hint } : {})
}

/** Each file once, every one with what the others left of the limit of unpacked bytes. */
function readFiles(parts: readonly Part[], limits: Limits): Map<Uint8Array, ModelFile> {
  const files = new Map<Uint8Array, ModelFile>()
  let left = limits.maxDecompressedBytes
  for (const { bytes } of parts) {
    if (files.has(bytes)) continue
    if (bytes.length > left) throw outputTooLarge(limits.maxDecompressedBytes)
    const file = readModelFile(bytes, { ...limits, maxDecompressedBytes: left })
    left -= file.decompressedBytes
    files.set(bytes, file)
  }
  return files
}

/** The first file, with the names and sizes of all. */
function together(files: readonly ModelFile[]): ModelFile {
  const [first] = files
  const sum = (of: (file: ModelFile) => number): number => files.reduce((total, file) => total + of(file), 0)
  const called = new Map<string, boolean>()
  for (const use of files.flatMap(({ globals }) => globals))
    called.set(use.name, use.called || called.get(use.name) === true)
  return {
    ...first!,
    globals: [...called].map(([name, use]): GlobalUse => ({ name, called: use })).sort(byName),
    bytes: sum(({ bytes }) => bytes),
    decompressedBytes: sum(({ decompressedBytes }) => decompressedBytes),
  }
}

const byName = (a: GlobalUse, b: GlobalUse): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
