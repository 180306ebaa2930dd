import type { Estimator } from './estimator.ts'
import type { Family, Lower } from './lowering.ts'

/** Answers everything that the estimator inside, under the first of these attributes, answers. */
const inner =
  (...keys: readonly string[]): Lower =>
  (estimator, x, context) => {
    const key = keys.find((name) => estimator.has(name)) ?? keys[0]!
    return context.lower(estimator.child(estimator.get(key), key), x)
  }

/** Searches answer through the estimator they refitted. */
const lowerSearch: Lower = (estimator, x, context) => {
  assertRefitted(estimator)
  return inner('best_estimator_')(estimator, x, context)
}

function assertRefitted(estimator: Estimator): void {
  if (!estimator.has('best_estimator_') && estimator.find('refit') === false)
    throw estimator.error(
      'unfitted',
      `${estimator.name} was fitted with refit=False and holds no model`,
      'fit it with refit=True, or save the chosen estimator',
    )
}

export const delegateFamily: readonly Family[] = [
  {
    names: [
      'sklearn.model_selection.GridSearchCV',
      'sklearn.model_selection.RandomizedSearchCV',
      'sklearn.model_selection.HalvingGridSearchCV',
      'sklearn.model_selection.HalvingRandomSearchCV',
    ],
    fields: `best_estimator_ best_index_ best_params_ best_score_ classes_ cv_results_ multimetric_ n_splits_
      refit_time_ scorer_ n_candidates_ n_remaining_candidates_ n_iterations_ n_possible_iterations_
      n_required_iterations_ n_resources_ max_resources_ min_resources_`,
    note: 'the refitted best estimator answers',
    lower: lowerSearch,
  },
  { names: ['sklearn.frozen.FrozenEstimator'], fields: '', lower: inner('estimator') },
  {
    names: ['sklearn.semi_supervised.SelfTrainingClassifier'],
    fields: 'base_estimator_ estimator_ classes_ transduction_ labeled_iter_ n_iter_ termination_condition_',
    lower: inner('estimator_', 'base_estimator_'),
  },
]
