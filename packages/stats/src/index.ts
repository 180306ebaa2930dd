export { areaUnderCurve, compareAreas, placeScores } from './auc.ts'
export {
  bootstrapMean,
  comparePairedMeans,
  drawResamples,
  type ResampledMean,
  type Resamples,
  resampleMean,
} from './bootstrap.ts'
export type { Estimate } from './interval.ts'
export { comparePairedProportions, wilsonInterval } from './proportion.ts'
