import type { Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import { numbers } from '../db/dialect.ts'
import { run } from '../db/statement.ts'
import type { Tables } from '../db/tables.ts'
import { MlflowError } from './errors.ts'
import type { Tag } from './experiments.ts'
import { assertDataset, assertInputTag } from './limits.ts'
import { groupByRun, ofRuns } from './of-runs.ts'

/** Data that a run read, named by what is in it. */
type Dataset = {
  readonly name: string
  readonly digest: string
  readonly source_type: string
  readonly source: string
  readonly schema?: string | null | undefined
  readonly profile?: string | null | undefined
}
export type DatasetInput = { readonly dataset: Dataset; readonly tags: readonly Tag[] }
export type ModelUse = { readonly model_id: string; readonly step: number }

/** What a run read, and the models it read and made. */
export type Lineage = {
  readonly datasets: readonly DatasetInput[]
  readonly modelsIn: readonly ModelUse[]
  readonly modelsOut: readonly ModelUse[]
}

type Run = Pick<Selectable<Tables['runs']>, 'id' | 'experiment'>

/** Says for what a run used a dataset. */
const CONTEXT = 'mlflow.data.context'

/** The same again changes nothing. @throws MlflowError INVALID_PARAMETER_VALUE */
export async function putDatasets(db: Db, run: Run, inputs: readonly DatasetInput[]): Promise<void> {
  for (const { dataset, tags } of inputs) {
    assertDataset(dataset)
    for (const tag of tags) assertInputTag(tag)
    const id = await ensureDataset(db, run.experiment, dataset)
    const context = tags.find(({ key }) => key === CONTEXT)?.value ?? null
    const row = { run: run.id, dataset: id, context, tags: JSON.stringify(tags) }
    await db
      .insertInto('run_datasets')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

async function ensureDataset(db: Db, experiment: number, dataset: Dataset): Promise<number> {
  const { name, digest, source_type, source, schema = null, profile = null } = dataset
  const added = await db
    .insertInto('datasets')
    .values({ experiment, name, digest, source_type, source, schema, profile })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  if (added !== undefined) return added.id
  const { id } = await db
    .selectFrom('datasets')
    .select('id')
    .where('experiment', '=', experiment)
    .where('name', '=', name)
    .where('digest', '=', digest)
    .executeTakeFirstOrThrow()
  return id
}

/** Databases take so many values in one statement; four a use. */
const USES_AT_ONCE = 1000

export async function putModelUses(
  db: Db,
  { run, role }: { readonly run: number; readonly role: 'input' | 'output' },
  uses: readonly ModelUse[],
): Promise<void> {
  for (let from = 0; from < uses.length; from += USES_AT_ONCE)
    await db
      .insertInto('run_models')
      .values(
        uses.slice(from, from + USES_AT_ONCE).map(({ model_id, step }) => ({ run, role, model_id, step })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute()
}

type DatasetRow = Dataset & { readonly run: number; readonly tags: string }
const FIND_DATASETS = ofRuns(
  'select run, tags, name, digest, source_type, source, schema, profile from run_datasets join datasets on datasets.id = run_datasets.dataset',
  'dataset',
)
const FIND_USES = ofRuns('select run, model_id, role, step from run_models', 'step')

/** Of each run, by its number; runs without any are not among them. */
export async function lineageOf(db: Db, runs: readonly number[]): Promise<Map<number, Lineage>> {
  const ids = [JSON.stringify(runs)]
  const runOf = (row: { readonly run: number }): number => row.run
  const datasets = groupByRun(
    (await run<DatasetRow>(db, FIND_DATASETS, ids)).rows,
    runOf,
    ({ run: _, tags, ...dataset }): DatasetInput => ({ tags: JSON.parse(tags) as Tag[], dataset }),
  )
  const uses = groupByRun(
    (await run<Selectable<Tables['run_models']>>(db, FIND_USES, ids)).rows,
    runOf,
    (use) => use,
  )
  const read = [...new Set([...datasets.keys(), ...uses.keys()])]
  return new Map(
    read.map((run) => [
      run,
      {
        datasets: datasets.get(run) ?? [],
        modelsIn: (uses.get(run) ?? []).filter(({ role }) => role === 'input'),
        modelsOut: (uses.get(run) ?? []).filter(({ role }) => role === 'output'),
      },
    ]),
  )
}

export type DatasetSummary = {
  readonly experiment_id: string
  readonly name: string
  readonly digest: string
  readonly context: string | null
}

/** Datasets that runs of experiments read, and what for. @throws MlflowError INVALID_PARAMETER_VALUE */
export async function summariseDatasets(
  db: Db,
  experiments: readonly number[],
  limit: number,
): Promise<DatasetSummary[]> {
  if (experiments.length === 0)
    throw new MlflowError('INVALID_PARAMETER_VALUE', 'Name at least one experiment in experiment_ids.')
  const rows = await db
    .selectFrom('datasets')
    .leftJoin('run_datasets', 'run_datasets.dataset', 'datasets.id')
    .select(['experiment', 'name', 'digest', 'context'])
    .distinct()
    .where('experiment', 'in', numbers(db, experiments))
    .orderBy('name')
    .orderBy('digest')
    .limit(limit)
    .execute()
  return rows.map(({ experiment, ...row }) => ({ experiment_id: String(experiment), ...row }))
}
