import { Readable } from 'node:stream'
import type { ModelSchema } from '@millwright/contracts'
import { stringify } from 'yaml'
import { folderOfUri, parsePath, pathIn } from '../artifacts/path.ts'
import { storeArtifact } from '../artifacts/put.ts'
import type { RegisterDeps } from './register.ts'
import { storageOf } from './source.ts'
import type { VersionRow } from './versions.ts'

/** What a file is, by the `container` of its report: how MLflow's clients load it. */
type Form = {
  readonly name: string
  readonly flavor?: string
  /** Of the flavor, with the name of the file and the version of the library. */
  readonly keys?: (file: string, version: string | undefined) => Readonly<Record<string, unknown>>
}

const sklearn = (format: string, name: string): Form => ({
  name,
  flavor: 'sklearn',
  keys: (file, version) => ({ pickled_model: file, serialization_format: format, sklearn_version: version }),
})
const xgboost = (format: string): Form => ({
  name: `model.${format}`,
  flavor: 'xgboost',
  keys: (file, version) => ({
    ...{ data: file, model_class: 'xgboost.core.Booster', model_format: format, xgb_version: version },
  }),
})

const FORMS: Readonly<Record<string, Form>> = {
  pickle: sklearn('pickle', 'model.pkl'),
  skops: sklearn('skops', 'model.skops'),
  joblib: { name: 'model.joblib' },
  'xgboost-ubjson': xgboost('ubj'),
  'xgboost-json': xgboost('json'),
  'lightgbm-text': {
    name: 'model.lgb',
    flavor: 'lightgbm',
    keys: (file) => ({ data: file, model_class: 'lightgbm.basic.Booster' }),
  },
  'catboost-binary': {
    name: 'model.cb',
    flavor: 'catboost',
    keys: (file) => ({ data: file, save_format: 'cbm', model_type: 'CatBoost' }),
  },
  onnx: { name: 'model.onnx', flavor: 'onnx', keys: (file) => ({ data: file }) },
}

/** MLflow knows no joblib; this is what its loader calls. */
const JOBLIB_LOADER = 'millwright_joblib'
const JOBLIB_CODE = 'import joblib\n\n\ndef _load_pyfunc(path):\n    return joblib.load(path)\n'

/**
 * Makes a version that came by upload look like one that MLflow's clients logged, so that `load_model` works: an MLmodel
 * file beside the bytes that were uploaded, which are stored once. Versions that were registered from somewhere are left as
 * they are.
 */
export async function ensureView(deps: RegisterDeps, version: VersionRow): Promise<void> {
  if (version.storage !== null || version.source !== null) return
  const folder = folderOfUri(storageOf(version))!
  const { artifacts, core, db } = deps
  const path = (name: string) => pathIn(folder, parsePath(name))
  const present = await db
    .selectFrom('artifacts')
    .select('path')
    .where('path', '=', path('MLmodel'))
    .executeTakeFirst()
  if (present !== undefined) return
  const report = JSON.parse(version.report ?? '{}') as Report
  const form = version.parts === null ? FORMS[report.container ?? ''] : undefined
  const write = (name: string, content: Readable) => storeArtifact(artifacts, path(name), content)
  const writeText = (name: string, content: string) => write(name, Readable.from([Buffer.from(content)]))
  if (form !== undefined) await write(form.name, core.blobs.get(version.digest))
  if (form !== undefined && form.flavor === undefined)
    await writeText(`code/${JOBLIB_LOADER}.py`, JOBLIB_CODE)
  if (report.library && report.libraryVersion)
    await writeText('requirements.txt', `${report.library}==${report.libraryVersion}\n`)
  await writeText('MLmodel', stringify(mlmodelOf(version, report, form)))
}

type Report = {
  readonly container?: string
  readonly library?: string
  readonly libraryVersion?: string | null
}

function mlmodelOf(version: VersionRow, { libraryVersion }: Report, form: Form | undefined): object {
  const { inputs: columns = [] } = JSON.parse(version.schema ?? '{}') as Partial<ModelSchema>
  const inputs = columns.map(({ name }) => name)
  return {
    flavors: form === undefined ? {} : flavorsOf(form, libraryVersion ?? undefined),
    run_id: version.run_id,
    model_size_bytes: version.bytes,
    utc_time_created: new Date(version.created_at).toISOString().replace('T', ' ').replace('Z', '000'),
    // No signature: MLflow's clients refuse whole numbers where one says double, and the model takes them.
    metadata: { millwright: { model: version.model, version: version.number, label: version.label, inputs } },
  }
}

function flavorsOf({ name, flavor, keys }: Form, version: string | undefined): object {
  if (flavor === undefined)
    return { python_function: { loader_module: JOBLIB_LOADER, code: 'code', data: name, env: {} } }
  const python = flavor === 'sklearn' ? { model_path: name } : { data: name }
  return {
    python_function: { loader_module: `mlflow.${flavor}`, ...python, env: {} },
    [flavor]: { ...keys!(name, version), code: null },
  }
}
