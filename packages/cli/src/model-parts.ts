import { existsSync } from 'node:fs'
import type { CreateVersion, Step } from '@millwright/contracts'
import type { ModelParts } from '@millwright/engine'
import { UsageError, type Values } from './command.ts'
import { readRegularFile } from './read-file.ts'

/** A file, or with a key one entry of the dictionary or tuple in it. */
type FilePart = { readonly path: string; readonly key?: string | undefined }

/** The files of one model as they are given on the command line. */
export type ModelFiles = {
  readonly model: FilePart
  readonly after: readonly FilePart[]
  readonly encode: readonly (FilePart & { readonly column: string })[]
  readonly columns?: readonly string[] | undefined
}

export const PARTS_OPTIONS = {
  after: { type: 'string', multiple: true },
  encode: { type: 'string', multiple: true },
  columns: { type: 'string' },
} as const

/** Lines of the options above for a usage text. */
export const PARTS_USAGE = `  --after FILE       transformer that is applied before the model, as a scaler; repeated: in the order given
  --encode COL=FILE  encoder of one column, applied first: LabelEncoder, OrdinalEncoder; can be repeated
  --columns LIST     names of the columns that go in, comma separated, for models fitted without names
                     FILE#KEY is one entry of the dictionary or tuple in a file: all.pkl#model, encoders.pkl#brand`

/** @throws UsageError */
export function modelFiles(model: string, values: Values): ModelFiles {
  const columns = typeof values.columns === 'string' ? values.columns.split(',') : undefined
  if (columns?.some((column) => column.trim() === ''))
    throw new UsageError('--columns takes names separated by commas: --columns age,income')
  return {
    model: filePart(model),
    after: listOption(values, 'after').map(filePart),
    encode: listOption(values, 'encode').map((given) => {
      const at = given.indexOf('=')
      if (at < 1 || at === given.length - 1)
        throw new UsageError(`--encode takes COLUMN=FILE, got ${JSON.stringify(given)}`)
      return { column: given.slice(0, at), ...filePart(given.slice(at + 1)) }
    }),
    columns: columns?.map((column) => column.trim()),
  }
}

/** The files of a settings file's steps, the model last. */
export function filesOfSteps(steps: readonly Step[], columns: readonly string[] | undefined): ModelFiles {
  const before = steps.slice(0, -1)
  return {
    model: filePart(steps.at(-1)!.file),
    after: before.filter(({ encode }) => encode === undefined).map(({ file }) => filePart(file)),
    encode: before.flatMap(({ encode, file }) =>
      encode === undefined ? [] : [{ column: encode, ...filePart(file) }],
    ),
    columns,
  }
}

function listOption(values: Values, name: string): string[] {
  const value = values[name]
  return Array.isArray(value) ? value : []
}

/** `all.pkl#model`; a file whose own name has a # is taken as it is. */
function filePart(given: string): FilePart {
  const at = given.lastIndexOf('#')
  return at < 1 || existsSync(given)
    ? { path: given }
    : { path: given.slice(0, at), key: given.slice(at + 1) }
}

/** Every file once. */
export const pathsOf = ({ model, after, encode }: ModelFiles): string[] => [
  ...new Set([model, ...after, ...encode].map(({ path }) => path)),
]

/** @throws CommandError for what is not a regular file */
export async function readModelFiles(files: ModelFiles): Promise<ModelParts> {
  const contents = new Map<string, Uint8Array>()
  for (const path of pathsOf(files)) contents.set(path, await readRegularFile(path))
  const read = ({ path, key }: FilePart) => ({ bytes: contents.get(path)!, key })
  return {
    model: read(files.model),
    after: files.after.map(read),
    encode: files.encode.map((part) => ({ column: part.column, ...read(part) })),
    columns: files.columns,
  }
}

/** What a version is made of, by the digests of its files. */
export type VersionParts = Pick<CreateVersion, 'digest' | 'parts'>

export function versionPartsOf(files: ModelFiles, digests: ReadonlyMap<string, string>): VersionParts {
  const { model, after, encode, columns } = files
  const part = ({ path, key }: FilePart) => ({ digest: digests.get(path)!, ...(key && { key }) })
  const { digest, ...entry } = part(model)
  const isWhole = pathsOf(files).length === 1 && model.key === undefined && columns === undefined
  if (isWhole && after.length + encode.length === 0) return { digest }
  return {
    digest,
    parts: {
      ...entry,
      after: after.map(part),
      encode: encode.map((given) => ({ column: given.column, ...part(given) })),
      ...(columns && { columns: [...columns] }),
    },
  }
}

/** The options again, to show a command that can be run. */
export function argumentsOf({ model, after, encode, columns }: ModelFiles): string {
  const given = ({ path, key }: FilePart): string => (key === undefined ? path : `${path}#${key}`)
  return [
    given(model),
    ...after.map((part) => `--after ${given(part)}`),
    ...encode.map((part) => `--encode ${part.column}=${given(part)}`),
    ...(columns === undefined ? [] : [`--columns ${columns.join(',')}`]),
  ].join(' ')
}
