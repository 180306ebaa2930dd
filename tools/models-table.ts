import { writeFileSync } from 'node:fs'
import { LATER } from '../packages/engine/src/sklearn/later.ts'
import { findFamily, supportedNames } from '../packages/engine/src/sklearn/support.ts'

/** node tools/models-table.ts: writes the page of scikit-learn classes that are served, and of those left for later. */
const PAGE = new URL('../docs/reference/models.md', import.meta.url)

const BITS = 'Answers have the bits of scikit-learn.'
const DENSE =
  'Labels are equal; numbers are within 1e-13 of the largest answer: sums run in a fixed order, not in the order of the machine.'

/** How close the answers of a package are to the library's. */
const EXACTNESS: Readonly<Record<string, string>> = {
  calibration: DENSE,
  compose: 'As exact as the steps inside.',
  dummy: BITS,
  ensemble:
    'Forests and raw scores of boosting have the bits of scikit-learn, their probabilities are within 4 units in the last place; voting and stacking are as exact as their members, to 1e-13.',
  feature_selection: BITS,
  frozen: 'As exact as the model inside.',
  impute: BITS,
  isotonic: BITS,
  linear_model: DENSE,
  model_selection: 'As exact as the model inside.',
  multiclass: DENSE,
  multioutput: 'As exact as the model inside.',
  naive_bayes: DENSE,
  pipeline: 'As exact as the steps inside.',
  preprocessing:
    'Answers have the bits of scikit-learn, within 1e-13 behind powers, quantiles and logarithms.',
  semi_supervised: 'As exact as the model inside.',
  svm: DENSE,
  tree: BITS,
}

export function modelsPage(): string {
  return [
    '# scikit-learn classes',
    '',
    'Written by `node tools/models-table.ts` from the tables of the engine.',
    '',
    'A class answers the methods it has in scikit-learn: `predict`, `predict_proba`, `decision_function`, `transform`,',
    '`score_samples`. Rows that scikit-learn raises on (NaN, infinity, unseen categories) are refused with their column.',
    'Files of scikit-learn 1.2, 1.3, 1.5 and 1.7 are tested; others are read when every fitted attribute they hold is known.',
    '',
    '## Served',
    ...bySubpackage(supportedNames().filter(isPublic)).flatMap(servedSection),
    '',
    '## Left for later',
    '',
    'A file that holds one of these is refused with the advice beside it.',
    ...bySubpackage([...LATER.keys()].sort()).flatMap(laterSection),
    '',
  ].join('\n')
}

const isPublic = (name: string): boolean => !name.includes('._')

type Section = { readonly subpackage: string; readonly names: readonly string[] }

function bySubpackage(names: readonly string[]): Section[] {
  const groups = Map.groupBy(names, (name) => name.split('.').slice(0, -1).join('.'))
  return [...groups].map(([subpackage, members]) => ({ subpackage, names: members }))
}

function servedSection({ subpackage, names }: Section): string[] {
  const exactness = EXACTNESS[subpackage.replace('sklearn.', '')]
  return [
    ...heading(subpackage),
    ...(exactness === undefined ? [] : [exactness, '']),
    ...table(
      'Note',
      names.map((name) => [name, findFamily(name)?.note ?? '']),
    ),
  ]
}

const laterSection = ({ subpackage, names }: Section): string[] => [
  ...heading(subpackage),
  ...table(
    'What to do',
    names.map((name) => [name, LATER.get(name) ?? '']),
  ),
]

const heading = (subpackage: string): string[] => ['', `### ${subpackage}`, '']

const table = (column: string, rows: readonly (readonly [string, string])[]): string[] => [
  `| Class | ${column} |`,
  '|---|---|',
  ...rows.map(([name, text]) => `| ${name.split('.').at(-1)} | ${text} |`),
]

if (import.meta.main) writeFileSync(PAGE, modelsPage())
