import type { Artifacts } from '../artifacts/open.ts'
import type { Db } from '../db/database.ts'
import { isSqlite, texts } from '../db/dialect.ts'

export type Share = { readonly files: number; readonly bytes: number }
export type FolderShare = Share & { readonly folder: string }

/** What clients wrote to the store of objects themselves: by run or model (all before its files), and by experiment. */
export type DirectShares = {
  readonly own: readonly FolderShare[]
  readonly experiments: readonly FolderShare[]
}

/** Folders are told with their store. Lists the whole of it; where there is none, there is nothing. */
export async function readDirectShares({ direct, owners }: Artifacts): Promise<DirectShares> {
  const own = new Map<string, FolderShare>()
  const experiments = new Map<string, FolderShare>()
  if (direct === undefined) return { own: [], experiments: [] }
  for await (const { path, bytes } of direct.walk('')) {
    const [experiment = ''] = path.split('/', 1)
    const before = path.indexOf('/artifacts/')
    addTo(own, `${owners!.uri}/${before === -1 ? experiment : path.slice(0, before)}`, bytes)
    addTo(experiments, `${owners!.uri}/${experiment}`, bytes)
  }
  return { own: [...own.values()], experiments: [...experiments.values()] }
}

function addTo(shares: Map<string, FolderShare>, folder: string, bytes: number): void {
  const share = shares.get(folder) ?? { folder, files: 0, bytes: 0 }
  shares.set(folder, { folder, files: share.files + 1, bytes: share.bytes + bytes })
}

export const sumOf = (shares: readonly Share[]): Share => ({
  files: shares.reduce((sum, { files }) => sum + files, 0),
  bytes: shares.reduce((sum, { bytes }) => sum + bytes, 0),
})

/** Those of deleted runs. */
export async function ofDeletedRuns(db: Db, shares: readonly FolderShare[]): Promise<FolderShare[]> {
  const rows = await db
    .selectFrom('runs')
    .select('run_id')
    .where('lifecycle', '=', 'deleted')
    .where('run_id', 'in', texts(isSqlite(db), shares.map(idOf)))
    .execute()
  const deleted = new Set(rows.map(({ run_id }) => run_id))
  return shares.filter((share) => deleted.has(idOf(share)))
}

/** Of the run or the logged model. */
export const idOf = ({ folder }: FolderShare): string => folder.slice(folder.lastIndexOf('/') + 1)
