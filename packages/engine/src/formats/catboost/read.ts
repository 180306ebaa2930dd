import { latin1 } from '../../bytes/text.ts'
import { modelFromBinary } from './binary.ts'
import { modelFromJson } from './json.ts'
import type { CatboostModel } from './model.ts'

/** `.cbm` or JSON, told by the first bytes. @throws ModelError */
export const readCatboost = (bytes: Uint8Array): CatboostModel =>
  latin1(bytes.subarray(0, 4)) === 'CBM1' ? modelFromBinary(bytes) : modelFromJson(bytes)
