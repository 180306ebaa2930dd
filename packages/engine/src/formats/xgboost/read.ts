import { Budget, DEFAULT_LIMITS } from '../../bytes/limits.ts'
import { readJson } from '../json.ts'
import { modelFromBinary } from './binary.ts'
import { modelFromDocument } from './document.ts'
import type { XgboostModel } from './model.ts'
import { readUbjson } from './ubjson.ts'

/** JSON, UBJSON or binary, told by the first bytes. @throws ModelError */
export function readXgboost(bytes: Uint8Array): XgboostModel {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('latin1')
  if (start === 'binf') return modelFromBinary(bytes)
  const budget = new Budget(DEFAULT_LIMITS)
  return modelFromDocument(/^\{[iUIlL]/.test(start) ? readUbjson(bytes, budget) : readJson(bytes, budget))
}
