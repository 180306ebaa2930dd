import { writeFileSync } from 'node:fs'
import { lossNames as catboostLosses } from '../packages/engine/src/catboost/family.ts'
import { objectiveNames as lightgbmObjectives } from '../packages/engine/src/lightgbm/objectives.ts'
import { LATER } from '../packages/engine/src/sklearn/later.ts'
import { findFamily, supportedNames } from '../packages/engine/src/sklearn/support.ts'
import { verifiedRuns } from '../packages/engine/src/sklearn/verification.ts'
import { VERSIONS } from '../packages/engine/src/sklearn/verified.ts'
import { objectiveNames as xgboostObjectives } from '../packages/engine/src/xgboost/objectives.ts'

/** node tools/models-table.ts: writes the page of models that are served, and of those left for later. */
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
    'Forests, and raw scores of histogram boosting and of boosted regressors, have the bits of scikit-learn; probabilities of histogram boosting are within 4 units in the last place. A boosted classifier starts from a logarithm whose last place depends on the processor: within 1e-13, like voting and stacking.',
  feature_extraction:
    'Tokens, counts and hashes are those of scikit-learn, weights are within 1e-13. Texts of up to a million characters. A table with more than 65536 columns stays sparse: linear models, naive Bayes, scalers and TruncatedSVD read it, others are refused.',
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

/** What is said of a library besides scikit-learn: its files, how close answers are, what is refused. */
type Library = { readonly package: string; readonly title: string; readonly text: readonly string[] }

const code = (name: string): string => `\`${name}\``

const LIBRARIES: readonly Library[] = [
  {
    package: 'xgboost',
    title: 'XGBoost',
    text: [
      'Files: JSON, UBJSON, the old binary (`binf`, written up to 3.0), pickles of the classes below, alone or inside pipelines.',
      'Tested with 1.7, 2.1 and 3.2: boosters `gbtree`, `dart`, `gblinear`; categorical splits, vector leaves, several targets.',
      '',
      `Objectives: ${xgboostObjectives().map(code).join(', ')}.`,
      '',
      'Raw margins have the bits of XGBoost, probabilities are within 4 units in the last place of float32. A file saved by a',
      'scikit-learn class answers as that class: it stops at the best iteration. A bare booster uses every tree. Files before 3.1,',
      'and those whose categories are not ASCII, hold no names of categories: their columns take category codes.',
    ],
  },
  {
    package: 'lightgbm',
    title: 'LightGBM',
    text: [
      'Files: text (`save_model`), pickles of the classes below, alone or inside pipelines. Tested with 3.3 and 4.7: `gbdt`,',
      '`dart`, `goss`, `rf`, linear trees, categorical splits, every rule for missing values.',
      '',
      `Objectives: ${lightgbmObjectives().map(code).join(', ')}.`,
      '',
      'Raw scores have the bits of LightGBM, probabilities are within 4 units in the last place (several classes: 1e-15). Text has',
      'no class labels: it answers what the booster predicts. Categories of pandas columns are read as text, unknown ones as missing.',
    ],
  },
  {
    package: 'catboost',
    title: 'CatBoost',
    text: [
      'Files: `.cbm`, JSON, pickles of the classes below. Tested with 1.2: symmetric, `Depthwise` and `Lossguide` trees, one-hot and',
      'statistics of categorical features. Refused: text and embedding features, statistics that combine categories with numbers',
      '(train with `max_ctr_complexity=1`).',
      '',
      `Losses: ${catboostLosses().map(code).join(', ')}.`,
      '',
      'Raw values have the bits of CatBoost, probabilities are within 4 units in the last place (several classes: 1e-15).',
    ],
  },
]

const ONNX: readonly string[] = [
  '## ONNX',
  '',
  'Files of any exporter, run by ONNX Runtime 1.30 (optional) in a process of their own. Tested: exports of scikit-learn (skl2onnx',
  '1.20), XGBoost and LightGBM (onnxmltools 1.16), Keras 2.21 (tf2onnx 1.17) and PyTorch 1.13. Every answer is within 1e-5 of what',
  'ONNX Runtime in Python and the framework answer, or within 1e-6 of zero (`rel1e-5`).',
  'Refused: weights in other files, operators of extensions, rows without a fixed shape, float16. See [Deploy an ONNX',
  'model](../how-to/deploy-onnx.md).',
  '',
]

export function modelsPage(): string {
  return [
    '# Models',
    '',
    'Written by `node tools/models-table.ts` from the tables of the engine.',
    '',
    '## Files',
    '',
    'Pickles of every protocol and joblib files, compressed or not, and skops archives, of scikit-learn and of the boosting',
    'libraries; the own files of XGBoost, LightGBM and CatBoost; ONNX. Nothing in a file is imported or called.',
    '',
    ...LIBRARIES.flatMap(librarySection),
    ...ONNX,
    '## scikit-learn',
    '',
    'A class answers the methods it has in scikit-learn: `predict`, `predict_proba`, `predict_log_proba`,',
    '`decision_function`, `transform`, `score_samples`. A probability of 0 has the logarithm `-Infinity`. Rows that scikit-learn',
    'raises on (NaN, infinity, unseen categories) are refused with their column.',
    '',
    `**Versions.** Files that the real scikit-learn ${VERSIONS[0]} to ${VERSIONS.at(-1)} wrote were compared with its own answers; the column`,
    '*Compared* says in which minor versions, class by class (not before the class existed). None was emulated. A file of',
    'another version, or without one, is served when every fitted attribute in it is known, with the note "unverified version" in',
    '`millwright inspect`, at deploy and in the report of the version. It is refused, with the attribute and the step, when one is',
    'not: it could change an answer. In files newer than any compared that goes for private attributes too.',
    '',
    'A Normalizer or Binarizer (up to 0.22) and a FunctionTransformer (up to 1.1) does not say how many columns it reads: alone it',
    'is refused, before a model it is served. `decision_function` of OneVsOneClassifier and of an SVC with three classes or more is left',
    'out up to 0.20, where it was scaled by the largest score of the batch; a QuantileTransformer whose quantiles do not ascend is',
    'refused (up to 0.21).',
    '',
    '### Served',
    ...bySubpackage(supportedNames().filter((name) => isPublic(name) && name.startsWith('sklearn.'))).flatMap(
      servedSection,
    ),
    '',
    '### Left for later',
    '',
    'A file that holds one of these is refused with the advice beside it.',
    ...bySubpackage([...LATER.keys()].sort()).flatMap(laterSection),
    '',
  ].join('\n')
}

const librarySection = ({ package: root, title, text }: Library): string[] => [
  `## ${title}`,
  '',
  ...text,
  '',
  ...table(
    ['Note'],
    supportedNames()
      .filter((name) => name.startsWith(`${root}.`))
      .map((name) => [name, findFamily(name)?.note ?? '']),
  ),
  '',
]

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
      ['Compared', 'Note'],
      names.map((name) => [
        name,
        verifiedRuns(name).replaceAll('-', '–') || '—',
        findFamily(name)?.note ?? '',
      ]),
    ),
  ]
}

const laterSection = ({ subpackage, names }: Section): string[] => [
  ...heading(subpackage),
  ...table(
    ['What to do'],
    names.map((name) => [name, LATER.get(name) ?? '']),
  ),
]

const heading = (subpackage: string): string[] => ['', `#### ${subpackage}`, '']

const table = (
  columns: readonly string[],
  rows: readonly (readonly [name: string, ...cells: string[]])[],
): string[] => [
  `| ${['Class', ...columns].join(' | ')} |`,
  `|${'---|'.repeat(columns.length + 1)}`,
  ...rows.map(([name, ...cells]) => `| ${[name.split('.').at(-1), ...cells].join(' | ')} |`),
]

if (import.meta.main) writeFileSync(PAGE, modelsPage())
