import type { ImportRow, ImportVersion } from '@millwright/contracts'

type Of<T extends ImportRow['type']> = Extract<ImportRow, { type: T }>

export type Tag = { readonly key: string; readonly value: string }
export type SourceExperiment = { readonly id: string; readonly row: Of<'experiment'> }
/** `experiment_id` is the source's. */
export type SourceRun = { readonly row: Of<'run'>; readonly artifactUri: string }
export type SourceModel = { readonly row: Of<'logged_model'>; readonly artifactUri: string }
/** Key, value, timestamp, step. */
export type SourceMetric = Of<'metrics'>['metrics'][number]
export type SourceVersion = {
  readonly model: string
  readonly version: Omit<ImportVersion, 'files'>
  /** Where its files are in the source. */
  readonly storage: string
}
export type RegisteredModel = {
  readonly row: Omit<Of<'registered_model'>, 'last_number'>
  /** The largest number of a version that there is or was, as far as the source keeps it. */
  readonly lastNumber: number
  readonly aliases: readonly Of<'alias'>[]
}

export type SourceFile = {
  /** Below the location that was asked for. */
  readonly name: string
  readonly bytes: number
  readonly open: () => Promise<AsyncIterable<Uint8Array>>
  /** Reading it costs little, so that it is compared by its digest, too. */
  readonly isNear: boolean
}

/** What a tracking server or its files have. Everything can be read again. */
export type Source = {
  /** As people are told. */
  readonly name: string
  readonly experiments: () => AsyncIterable<SourceExperiment>
  readonly runs: (experiment: string) => AsyncIterable<SourceRun>
  readonly metrics: (run: SourceRun) => AsyncIterable<readonly SourceMetric[]>
  readonly loggedModels: (experiment: string) => AsyncIterable<SourceModel>
  readonly registeredModels: () => AsyncIterable<RegisteredModel>
  readonly versions: (model: string) => AsyncIterable<SourceVersion>
  /** Of a location such as `mlflow-artifacts:/1/…/artifacts`. @throws Error where it cannot be read */
  readonly files: (uri: string) => AsyncIterable<SourceFile>
  readonly close: () => void
}

/** Of a logged model: which versions it was registered as, in JSON. */
export const VERSIONS_TAG = 'mlflow.modelVersions'

/** As the protocol writes what JSON has no number for. */
export const metricValue = (value: number): SourceMetric[1] =>
  Number.isFinite(value) ? value : (String(value) as 'NaN' | 'Infinity' | '-Infinity')

/** What another program wrote. It is checked by the server that it is sent to. */
// biome-ignore lint/suspicious/noExplicitAny: a schema for each table, file and answer of all versions of MLflow would say no more than the one it is sent by
export type Foreign = any
