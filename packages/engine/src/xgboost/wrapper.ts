import { Budget, DEFAULT_LIMITS } from '../bytes/limits.ts'
import { Section } from '../formats/document.ts'
import { parseJson } from '../formats/json.ts'
import type { XgboostModel } from '../formats/xgboost/model.ts'
import type { Cell } from '../ir/program.ts'
import { dtypeName } from '../pickle/numpy.ts'
import { NdArray } from '../pickle/values.ts'
import type { Estimator } from '../sklearn/estimator.ts'

/** What XGBoost's scikit-learn classes add to a booster. */
export type Wrapper = {
  /** Labels of a classifier and their dtype; undefined: no classifier. */
  readonly classes: { readonly labels: readonly Cell[]; readonly dtype: string } | undefined
  /** The value that stands for missing, besides NaN. */
  readonly missing: number
}

const consecutive = (count: number): Cell[] => Array.from({ length: count }, (_, i) => i)

const classCount = (model: XgboostModel): number => Math.max(model.classes, 2)

/** Of a pickled XGBClassifier, XGBRegressor … */
export function wrapperOf(estimator: Estimator, model: XgboostModel): Wrapper {
  const missing = estimator.find('missing')
  return {
    classes: estimator.name.endsWith('Classifier') ? classesOf(estimator, model) : undefined,
    missing: typeof missing === 'number' ? missing : Number.NaN,
  }
}

/** `classes_` is in pickles up to 1.7; later ones say how many there are, from 0. */
function classesOf(estimator: Estimator, model: XgboostModel): Wrapper['classes'] {
  const classes = estimator.find('classes_')
  const dtype = classes instanceof NdArray ? dtypeName(classes.dtype) : 'int64'
  const known = classes instanceof NdArray && classes.shape.length === 1
  return { labels: known ? estimator.cells('classes_') : consecutive(classCount(model)), dtype }
}

/** A wrapper leaves a note of itself in the booster's own files; undefined for files of a bare booster. */
export function wrapperInFile(model: XgboostModel): Wrapper | undefined {
  const note = model.attributes.get('scikit_learn')
  if (note === undefined) return undefined
  const facts = new Section(parseJson(note, new Budget(DEFAULT_LIMITS)), "the model's scikit_learn attribute")
  const classifier = facts.text('_estimator_type', '') === 'classifier'
  const missing = facts.find('missing')
  return {
    classes: classifier ? { labels: consecutive(classCount(model)), dtype: 'int64' } : undefined,
    missing: typeof missing === 'number' ? missing : Number.NaN,
  }
}
