import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { cutForests, dropZeroWeights, type Lineage, type Program, simplifyForests } from '@millwright/engine'
import { type ModelFiles, pathsOf } from '../model-parts.ts'
import { readRegularFile } from '../read-file.ts'

/** What is left of a model; everything when nothing is said. */
export type Choice = { readonly trees?: number | undefined; readonly depth?: number | undefined }

/** The model that is left of a choice, without anything that no answer needs. */
export function makeSmaller(program: Program, { trees = Number.POSITIVE_INFINITY, depth }: Choice): Program {
  const isCut = Number.isFinite(trees) || depth !== undefined
  return dropZeroWeights(simplifyForests(isCut ? cutForests(program, { iterations: trees, depth }) : program))
}

/** The program with where it comes from written into it. */
export function withLineage(program: Program, lineage: Lineage): Program {
  return { ...program, origin: { ...program.origin, lineage } }
}

/** Names and digests of the files of a model. */
export const parentsOf = (files: ModelFiles): Promise<Lineage['parents']> =>
  Promise.all(
    pathsOf(files).map(async (path) => ({
      name: basename(path),
      digest: createHash('sha256')
        .update(await readRegularFile(path))
        .digest('hex'),
    })),
  )
