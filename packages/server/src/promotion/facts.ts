import type { ModelSchema } from '@millwright/contracts'
import type { Latency } from '@millwright/engine'
import type { Db } from '../db/database.ts'
import { findAlias, findVersion } from '../registry/store.ts'
import { MlflowError } from '../tracking/errors.ts'
import { getLoggedModel } from '../tracking/logged-models.ts'
import { getRun } from '../tracking/runs.ts'
import { findOrigin, listApprovals, listVersionTags } from './store.ts'

/** A metric of the version's model, as it was measured on a dataset. */
type Measured = { readonly key: string; readonly value: number; readonly dataset: string | null }

/** All that rules may ask about a version. */
export type VersionFacts = {
  readonly model: string
  readonly number: number
  readonly createdBy: string
  readonly hasRun: boolean
  /** The latest of each that its run logged. */
  readonly runMetrics: ReadonlyMap<string, number>
  readonly modelMetrics: readonly Measured[]
  /** Digests of the data that its run read. */
  readonly datasets: readonly string[]
  /** Of the version; those of its run where it has none of that key. */
  readonly tags: ReadonlyMap<string, string>
  readonly check: Check | null
  readonly bytes: number
  readonly schema: ModelSchema | null
  /** Who approved it. */
  readonly approvals: readonly string[]
}

type Check = {
  readonly mismatches?: number
  readonly latency?: Latency
  /** Rows of the user's that the model answers as the training library did, by method. */
  readonly sample?: { readonly equal: Readonly<Record<string, number>> }
}

/** A version, and those it is compared with: what the aliases that rules name point to. */
export type Facts = {
  readonly candidate: VersionFacts
  readonly holders: ReadonlyMap<string, VersionFacts>
}

export async function gatherFacts(
  db: Db,
  { model, version }: { readonly model: string; readonly version: number },
  aliases: readonly string[],
): Promise<Facts> {
  const holders = new Map<string, VersionFacts>()
  for (const alias of aliases) {
    const holder = await findAlias(db, model, alias)
    if (holder !== undefined) holders.set(alias, await factsOf(db, model, holder))
  }
  return { candidate: await factsOf(db, model, version), holders }
}

async function factsOf(db: Db, model: string, number: number): Promise<VersionFacts> {
  const key = { model, version: number }
  const version = (await findVersion(db, { model, number }))!
  const origin = await findOrigin(db, key)
  const run = origin.run_id === null ? undefined : await ifThere(getRun(db, origin.run_id))
  const logged = origin.model_id === null ? undefined : await ifThere(getLoggedModel(db, origin.model_id))
  const runTags = (run?.tags ?? []).map(({ key, value }) => [key, value] as const)
  return {
    ...{ model, number, createdBy: version.createdBy, bytes: version.bytes, schema: version.schema },
    check: version.check as Check | null,
    hasRun: run !== undefined,
    runMetrics: new Map((run?.metrics ?? []).map(({ key, value }) => [key, value])),
    modelMetrics: (logged?.metrics ?? []).map(({ key, value, dataset_digest: dataset }) => ({
      ...{ key, value, dataset },
    })),
    datasets: (run?.datasets ?? []).map(({ dataset }) => dataset.digest),
    tags: new Map([...runTags, ...(await listVersionTags(db, key))]),
    approvals: (await listApprovals(db, key)).map(({ by }) => by),
  }
}

/** A version may name a run that was never there, or is no more. */
async function ifThere<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (error instanceof MlflowError) return undefined
    throw error
  }
}
