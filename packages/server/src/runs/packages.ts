import { parse } from 'yaml'
import { type FolderPath, folderOfUri } from '../artifacts/path.ts'
import { type Artifact, listFilesBelow } from '../artifacts/store.ts'
import type { MlflowContext } from '../mlflow/route.ts'
import type { Run } from '../tracking/runs.ts'

/** Versions by the name of a package, of all files that were captured with a run and with the models it made. */
export type Packages = ReadonlyMap<string, string>

/** Larger ones are no lists of packages, in bytes. */
const MOST_BYTES = 4 << 20
/** A file that repeats itself is none of theirs. */
const NO_ALIASES = { maxAliasCount: 0 } as const
/** Files looked through below a run or a model. */
const MOST_FILES = 5000

type Reader = (text: string) => [name: string, version: string][]

/** What is read, the most exact last: it wins. */
const READERS: readonly (readonly [name: string, read: Reader])[] = [
  ['python_env.yaml', readPythonEnvironment],
  ['conda.yaml', readConda],
  ['requirements.txt', readRequirements],
  ['poetry.lock', readLock],
  ['uv.lock', readLock],
]

export async function packagesOf(context: MlflowContext, run: Run): Promise<Packages> {
  const folders = await foldersOf(context, run)
  const files: Artifact[] = []
  for (const folder of folders)
    files.push(...(await listFilesBelow(context.db, folder, { most: MOST_FILES })))
  const packages = new Map<string, string>()
  for (const [name, read] of READERS)
    for (const { path, digest, bytes } of files) {
      if (path.slice(path.lastIndexOf('/') + 1) !== name || bytes > MOST_BYTES) continue
      for (const [one, version] of readSafely(read, await textOf(context, digest)))
        packages.set(normal(one), version)
    }
  return packages
}

async function foldersOf({ db }: MlflowContext, run: Run): Promise<FolderPath[]> {
  const made = ['', ...run.modelsOut.map(({ model_id }) => model_id)]
  const models = await db
    .selectFrom('logged_models')
    .select('artifact_uri')
    .where(({ eb, or }) => or([eb('model_id', 'in', made), eb('source_run_id', '=', run.run_id)]))
    .execute()
  return [run.artifact_uri, ...models.map(({ artifact_uri }) => artifact_uri)].flatMap((uri) => {
    const folder = folderOfUri(uri)
    return folder === undefined || folder === '' ? [] : [folder]
  })
}

async function textOf({ artifacts }: MlflowContext, digest: string): Promise<string> {
  return Buffer.concat(await artifacts.blobs.get(digest).toArray()).toString()
}

/** What cannot be read names no packages. */
function readSafely(read: Reader, text: string): [string, string][] {
  try {
    return read(text)
  } catch {
    return []
  }
}

/** As PEP 503 compares names. */
const normal = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, '-')

const REQUIREMENT = /^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:===?|@)?\s*(.*)$/

/** `name==1.2`, `name>=1`, `name @ url`; options and comments say nothing. */
function readRequirements(text: string): [string, string][] {
  return text.split('\n').flatMap((line): [string, string][] => {
    const [plain = ''] = line.split(/\s#|;/, 1)
    const [, name, version = ''] = REQUIREMENT.exec(plain.trim()) ?? []
    return name === undefined ? [] : [[name, version.replace(/\s*\\$/, '') || 'any']]
  })
}

function readConda(text: string): [string, string][] {
  const { dependencies = [] } = parse(text, NO_ALIASES) as { dependencies?: (string | { pip?: string[] })[] }
  return dependencies.flatMap((dependency): [string, string][] => {
    if (typeof dependency !== 'string') return readRequirements((dependency.pip ?? []).join('\n'))
    const [, name, version = 'any'] = /^([\w.-]+)\s*(?:[=<>!]=?\s*(.+))?$/.exec(dependency) ?? []
    return name === undefined ? [] : [[name, version]]
  })
}

function readPythonEnvironment(text: string): [string, string][] {
  const { python, build_dependencies: build = [] } = parse(text, NO_ALIASES) as {
    python?: unknown
    build_dependencies?: string[]
  }
  return [
    ...(python === undefined ? [] : [['python', String(python)] as [string, string]]),
    ...readRequirements(build.join('\n')),
  ]
}

/** Tables `[[package]]` with a name and a version. */
function readLock(text: string): [string, string][] {
  return text
    .split('[[package]]')
    .slice(1)
    .flatMap((table): [string, string][] => {
      const [, name] = /^name = "([^"]+)"/m.exec(table) ?? []
      const [, version] = /^version = "([^"]+)"/m.exec(table) ?? []
      return name === undefined || version === undefined ? [] : [[name, version]]
    })
}
