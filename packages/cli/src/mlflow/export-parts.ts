import type { Ask } from './rest.ts'
import { type Source, type SourceFile, type Tag, VERSIONS_TAG } from './source.ts'
import type { Tally } from './tally.ts'

export type Export = {
  readonly source: Source
  /** The server it goes to, as it is read and as it is asked. */
  readonly there: Source
  readonly ask: Ask
  readonly tally: Tally
  readonly onProgress: (note: string) => void
}

/** Of a run or a logged model, there. */
type Known = {
  readonly id: string
  readonly uri: string
  readonly isComplete: boolean
  readonly isDeleted: boolean
}
/** By the ids they have here. */
export type Ids = { readonly runs: Map<string, Known>; readonly models: Map<string, Known> }

/** Tags that say which one it is here. */
export const own = { run: 'millwright.run_id', model: 'millwright.model_id' } as const
/** Kept by the server itself. */
export const tagsFor = (tags: readonly Tag[]): Tag[] => tags.filter(({ key }) => key !== VERSIONS_TAG)

const OWN = /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.*)$/
type Copy = { readonly from: string; readonly to: string; readonly of: string }

/** Files that are not there in the size they have here. Its own server is asked to keep them. */
export async function copyFiles(
  { source, there, ask, tally }: Export,
  { from, to, of }: Copy,
): Promise<void> {
  const files: SourceFile[] = []
  for await (const file of source.files(from)) files.push(file)
  if (files.length === 0) return
  const root = OWN.exec(to)?.[1]
  if (root === undefined) {
    tally.differ(`files of ${of}: the target keeps them at ${to}, where its clients write themselves`)
    return
  }
  const sizes = new Map<string, number>()
  for await (const { name, bytes } of there.files(to)) sizes.set(name, bytes)
  for (const { name, bytes, open } of files) {
    const path = `${root}/${name}`.split('/').map(encodeURIComponent).join('/')
    if (sizes.get(name) !== bytes)
      await ask.put(`/api/2.0/mlflow-artifacts/artifacts/${path}`, await open(), bytes)
    tally.add('files', 1, 1)
    tally.add('bytes', bytes, bytes)
  }
}
