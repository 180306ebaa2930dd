export { DEFAULT_LIMITS, type Limits } from './bytes/limits.ts'
export { boundaryRows } from './check/boundary.ts'
export { type Contract, contractOf } from './check/contract.ts'
export { type Latency, measureLatency, quantilesOf } from './check/latency.ts'
export { type SelfCheck, selfCheck } from './check/self-check.ts'
export { type Comparison, compareWithExpected, type Difference } from './check/tolerance.ts'
export { ModelError, type RefusalKind, RowError } from './errors.ts'
export { compileProgram } from './exec/compiled.ts'
export { allOutputs, interpret } from './exec/reference.ts'
export { warmUp } from './exec/warm-up.ts'
export type { ModelParts, Part } from './formats/parts.ts'
export { estimatorOf, type ModelFile, readModelFile } from './formats/read-file.ts'
export { type FileReport, type ReportStep, reportOf } from './formats/report.ts'
export { decodeProgram, encodeProgram, programDigest } from './ir/codec.ts'
export { joinRows, splitRows } from './ir/frames.ts'
export { type HostedProgram, isHosted, splitHosted } from './ir/hosted.ts'
export type {
  Answer,
  AnswerPart,
  Cell,
  Executable,
  Frame,
  InputColumn,
  Lineage,
  Method,
  Program,
} from './ir/program.ts'
export { inputSchema, type SchemaColumn } from './ir/schema.ts'
export { type LoadOptions, loadModel, type Model } from './library/load-model.ts'
export type { InputRow, RowValue } from './library/rows.ts'
export { cutForests, forgetInnerValues } from './passes/cut.ts'
export { type Cut, cutDepthOf, type Forest, forestsBehind, iterationsOf } from './passes/forests.ts'
export { partialAnswers } from './passes/partial-answers.ts'
export { simplifyForests } from './passes/simplify.ts'
export { dropZeroWeights, findZeroWeights, type ZeroWeights } from './passes/zero-weights.ts'
export type { Change, Reviewed } from './review/changes.ts'
export { type ReviewAnswer, type ReviewLimits, reviewOf, type SampleFinding } from './review/review.ts'
export type { CompiledFile } from './sandbox/compile.ts'
export { type CompileOptions, compileFile, compileFiles, RefusedFile } from './sandbox/compile-file.ts'
export type { LowerOptions } from './sklearn/lower.ts'
