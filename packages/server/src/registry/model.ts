import type { ModelSchema, ModelVersion, VersionState } from '@millwright/contracts'

/** A version as the server holds it; `ModelVersion` is what answers show of it. */
export type StoredVersion = {
  readonly model: string
  readonly number: number
  readonly label: string
  readonly digest: string
  /** sha256 of the compiled program; set when READY. */
  readonly program: string | null
  /** sha256 of the rows the user sent along, as JSON. */
  readonly sample: string | null
  /** Manifest of a model of several files, whose sha256 is `digest`. */
  readonly parts: string | null
  readonly state: VersionState
  readonly reason: string | null
  readonly filename: string | null
  readonly bytes: number
  readonly report: Record<string, unknown> | null
  readonly schema: ModelSchema | null
  readonly contract: Record<string, string> | null
  readonly check: Record<string, unknown> | null
  readonly attempts: number
  /** Where it was registered from, and the run that made it; null: it came by upload. */
  readonly source: string | null
  readonly run_id: string | null
  readonly createdAt: number
  readonly createdBy: string
}

export type VersionKey = { readonly model: string; readonly number: number }

/** A version that can serve. */
export type ReadyVersion = StoredVersion & { readonly program: string; readonly schema: ModelSchema }

export const isReady = (version: StoredVersion): version is ReadyVersion =>
  version.state === 'READY' && version.program !== null && version.schema !== null

export const subjectOf = (version: VersionKey): string => `models/${version.model}/versions/${version.number}`

export function answerVersion(version: StoredVersion): ModelVersion {
  const { model, number, label, digest, state, reason, filename, bytes, report, schema } = version
  const { contract, check, source, run_id, createdAt, createdBy } = version
  return {
    ...{ model, number, label, digest, state, reason, filename, bytes, report, schema, contract, check },
    ...{ source, run_id, created_at: new Date(createdAt).toISOString(), created_by: createdBy },
  }
}
