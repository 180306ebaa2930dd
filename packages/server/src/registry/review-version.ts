import type { ReviewAnswer } from '@millwright/contracts'
import type { Latency, Reviewed, SampleFinding } from '@millwright/engine'
import { reviewOf } from '@millwright/engine/review'
import type { Db } from '../db/database.ts'
import { isReady, type StoredVersion } from './model.ts'
import { findReadyBefore } from './store.ts'

/** What was measured and tried when the version was read. */
type Check = {
  readonly latency?: Latency
  readonly sample?: { readonly rows: number; readonly failed: number; readonly firstFailure: string | null }
}

/** The questions of a code review, answered about a version that can serve, beside the one before it; else null. */
export async function reviewVersion(db: Db, version: StoredVersion): Promise<ReviewAnswer[] | null> {
  const model = reviewedOf(version)
  if (model === undefined) return null
  const before = await findReadyBefore(db, version)
  const other = before && reviewedOf(before)
  const { sample } = (version.check ?? {}) as Check
  return reviewOf(model, {
    sample: sample && sampleFinding(sample),
    against: other && { name: `${version.model}@${before.number}`, model: other },
  }).map((answer) => ({ ...answer, evidence: { ...answer.evidence } }))
}

function reviewedOf(version: StoredVersion): Reviewed | undefined {
  const { report, contract, check, digest } = version
  if (!isReady(version) || report === null || contract === null) return undefined
  const { inputs, outputs, classes } = version.schema
  return {
    digest,
    report: report as unknown as Reviewed['report'],
    columns: inputs,
    outputs: outputs.map(({ name }) => name),
    classes,
    contract,
    latency: (check as Check | null)?.latency,
  }
}

/** Rows sent along with a version are held to its schema one by one; what is not in them counts as missing values. */
const sampleFinding = ({ rows, failed, firstFailure }: NonNullable<Check['sample']>): SampleFinding => ({
  rows,
  missing: [],
  extra: [],
  wrong: [],
  refused: failed,
  firstRefusal: firstFailure,
})
