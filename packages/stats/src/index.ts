export { areaUnderCurve, compareAreas } from './auc.ts'
export { bootstrapMean, comparePairedMeans, drawResamples, type Resamples } from './bootstrap.ts'
export type { Estimate } from './interval.ts'
export { comparePairedProportions, wilsonInterval } from './proportion.ts'
