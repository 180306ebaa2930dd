import { Budget, type Limits } from '../../bytes/limits.ts'
import { survey } from '../../pickle/survey.ts'
import type { GlobalUse } from '../../pickle/unpickle.ts'
import type { Inert } from '../../pickle/values.ts'
import { Section } from '../document.ts'
import { readJson } from '../json.ts'
import { Archive } from '../zip.ts'
import { SchemaReader } from './nodes.ts'

export type SkopsFile = {
  readonly root: Inert
  readonly protocol: number
  readonly globals: readonly GlobalUse[]
  readonly unpackedBytes: number
}

/**
 * Reads a skops archive: `schema.json` is a tree of nodes that name a class, a loader and content; arrays are .npy
 * files beside it. The values are those of a pickle of the same model. @throws ModelError
 */
export function readSkops(bytes: Uint8Array, limits: Limits): SkopsFile {
  const archive = new Archive(bytes, limits)
  const budget = new Budget(limits)
  const schema = new Section(readJson(archive.read('schema.json'), budget), 'schema.json')
  const reader = new SchemaReader(archive, budget)
  const root = reader.read(schema.fields as Map<string, never>)
  survey(root, limits)
  const globals = [...reader.names]
    .map(([name, called]) => ({ name, called }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return { root, protocol: schema.count('protocol', 0), globals, unpackedBytes: archive.unpackedBytes }
}
