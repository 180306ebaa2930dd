export { DEFAULT_LIMITS, type Limits } from './bytes/limits.ts'
export { ModelError, type RefusalKind, RowError } from './errors.ts'
export { estimatorOf, type ModelFile, readModelFile } from './formats/read-file.ts'
