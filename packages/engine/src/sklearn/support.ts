import { catboostFamily } from '../catboost/family.ts'
import { lightgbmFamily } from '../lightgbm/family.ts'
import { onnxFamily } from '../onnx/family.ts'
import { xgboostFamily } from '../xgboost/family.ts'
import { adaBoostFamily } from './ada-boost.ts'
import { baggingFamily } from './bagging.ts'
import { boostingFamily } from './boosting.ts'
import { calibrationFamily } from './calibration.ts'
import { centroidFamily } from './centroids.ts'
import { chainFamily } from './chain.ts'
import { composeFamily } from './compose.ts'
import { delegateFamily } from './delegates.ts'
import { densityFamily } from './densities.ts'
import { discretisingFamily } from './discretising.ts'
import { discriminantFamily } from './discriminant.ts'
import { dummyFamily } from './dummy.ts'
import { encodingFamily } from './encoding.ts'
import { forestFamily } from './forests.ts'
import { gaussianProcessFamily } from './gaussian-process.ts'
import { histBoostingFamily } from './hist-boosting.ts'
import { imputingFamily } from './imputing.ts'
import { isolationFamily } from './isolation.ts'
import { isotonicFamily } from './isotonic.ts'
import { kernelMethodFamily } from './kernel-methods.ts'
import { linearFamily } from './linear.ts'
import { linearClassifierFamily } from './linear-classifiers.ts'
import type { Family } from './lowering.ts'
import { mixtureFamily } from './mixtures.ts'
import { modelImputingFamily } from './model-imputing.ts'
import { multiclassFamily } from './multiclass.ts'
import { multioutputFamily } from './multioutput.ts'
import { naiveBayesFamily } from './naive-bayes.ts'
import { neighbourFamily } from './neighbours.ts'
import { neuralNetworkFamily } from './neural-networks.ts'
import { polynomialFamily } from './polynomial.ts'
import { projectionFamily } from './projections.ts'
import { recordFamily } from './records.ts'
import { scalingFamily } from './scaling.ts'
import { selectingFamily } from './selecting.ts'
import { splineFamily } from './splines.ts'
import { stackingFamily } from './stacking.ts'
import { svmFamily } from './svm.ts'
import { targetFamily } from './target.ts'
import { textFamily } from './text.ts'
import { thresholdFamily } from './thresholds.ts'
import { treeFamily } from './trees.ts'
import { votingFamily } from './voting.ts'

/** Every family we serve. A new family file is added here; `docs/reference/models.md` is generated from this list. */
const FAMILIES: readonly (readonly Family[])[] = [
  composeFamily,
  chainFamily,
  scalingFamily,
  targetFamily,
  selectingFamily,
  polynomialFamily,
  imputingFamily,
  encodingFamily,
  textFamily,
  recordFamily,
  discretisingFamily,
  treeFamily,
  forestFamily,
  calibrationFamily,
  delegateFamily,
  dummyFamily,
  isotonicFamily,
  linearFamily,
  linearClassifierFamily,
  multiclassFamily,
  multioutputFamily,
  naiveBayesFamily,
  stackingFamily,
  svmFamily,
  thresholdFamily,
  votingFamily,
  boostingFamily,
  histBoostingFamily,
  baggingFamily,
  neighbourFamily,
  xgboostFamily,
  lightgbmFamily,
  catboostFamily,
  onnxFamily,
  projectionFamily,
  kernelMethodFamily,
  discriminantFamily,
  gaussianProcessFamily,
  neuralNetworkFamily,
  isolationFamily,
  adaBoostFamily,
  centroidFamily,
  mixtureFamily,
  densityFamily,
  modelImputingFamily,
  splineFamily,
]

const BY_NAME: ReadonlyMap<string, Family> = new Map(
  FAMILIES.flat().flatMap((family) => family.names.map((name) => [name, family] as const)),
)

export const findFamily = (name: string): Family | undefined => BY_NAME.get(name)

/** Names of all classes served, sorted. */
export const supportedNames = (): string[] => [...BY_NAME.keys()].sort()
