import { type Inert, InertObject } from '../pickle/values.ts'
import { Estimator } from '../sklearn/estimator.ts'

/** What an object does in a program that serves: answers, transforms rows before it, or turns labels into numbers. */
export type Role = 'model' | 'transformer' | 'labels'

/** Where transformers usually stand, when nothing says their order: fill, encode, scale, choose. */
export type Rank = 0 | 1 | 2 | 3

/** Public class names that transform rows, first match first. */
const TRANSFORMERS: readonly (readonly [name: RegExp, rank: Rank])[] = [
  [/^sklearn\.impute\./, 0],
  [/^sklearn\.feature_extraction\.TfidfTransformer$/, 2],
  [/^sklearn\.(feature_extraction\.|compose\.ColumnTransformer$|pipeline\.FeatureUnion$)/, 1],
  [/^sklearn\.preprocessing\.(OneHot|Ordinal|Target)Encoder$/, 1],
  [/^sklearn\.preprocessing\./, 2],
  [/^sklearn\.(decomposition|feature_selection|random_projection|kernel_approximation)\./, 3],
]

const LABELS = /^sklearn\.preprocessing\.(LabelEncoder|LabelBinarizer|MultiLabelBinarizer)$/
const MODELS = /^(sklearn|xgboost|lightgbm|catboost)\./
const MODEL_KEY = /model|clf|classifier|regressor|estimator|pipeline|predictor/i
const TRANSFORMER_KEY = /scal|preproc|vectoriz|imput|encod|transform|select|pca/i

/** The role of an object by its class; of a class nobody knows, by what it is called. undefined: it cannot be told. */
export function roleOf(object: InertObject, key: string): Role | undefined {
  const { name } = describe(answeringOf(object))
  if (LABELS.test(name)) return 'labels'
  if (rankOf(object) !== undefined) return 'transformer'
  if (MODELS.test(name) || MODEL_KEY.test(key)) return 'model'
  return TRANSFORMER_KEY.test(key) ? 'transformer' : undefined
}

/** Where a transformer usually stands; undefined when it is not one we know. */
export function rankOf(object: InertObject): Rank | undefined {
  const { name } = describe(answeringOf(object))
  return TRANSFORMERS.find(([pattern]) => pattern.test(name))?.[1]
}

/** The last step of a pipeline, however deep; the object itself when it is no pipeline. */
function answeringOf(object: InertObject): InertObject {
  if (describe(object).name !== 'sklearn.pipeline.Pipeline' || !(object.state instanceof Map)) return object
  const steps = object.state.get('steps')
  const last = Array.isArray(steps) ? steps.at(-1) : undefined
  const inner = Array.isArray(last) ? last[1] : undefined
  return isObject(inner) ? answeringOf(inner) : object
}

/** Attributes that hold what a pipeline or a search applies to its rows. */
const INNER = ['steps', 'transformers_', 'transformer_list', 'best_estimator_', 'estimator_', 'regressor_']

/** The fitted objects inside a pipeline or a search, not those inside a single estimator of rows. */
export function objectsIn(value: Inert | undefined, found = new Set<InertObject>()): Set<InertObject> {
  if (Array.isArray(value)) for (const item of value) objectsIn(item, found)
  if (!isObject(value) || found.has(value) || !(value.state instanceof Map)) return found
  found.add(value)
  for (const attribute of INNER) objectsIn(value.state.get(attribute), found)
  return found
}

const describe = ({ cls }: InertObject): Estimator => new Estimator(new InertObject(cls, [], false), [])

/** Described with attributes, as fitted estimators are; tables of pandas are too. */
export const isObject = (value: Inert | undefined): value is InertObject =>
  value instanceof InertObject && !value.called && !value.cls.module.startsWith('pandas.')
