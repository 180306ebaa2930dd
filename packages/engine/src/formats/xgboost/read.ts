import { Budget, DEFAULT_LIMITS } from '../../bytes/limits.ts'
import { latin1 } from '../../bytes/text.ts'
import { ModelError } from '../../errors.ts'
import { readJson } from '../json.ts'
import { modelFromBinary } from './binary.ts'
import { modelFromDocument } from './document.ts'
import type { XgboostModel } from './model.ts'
import { readUbjson } from './ubjson.ts'

/** JSON, UBJSON or binary, told by the first bytes. @throws ModelError */
export function readXgboost(bytes: Uint8Array): XgboostModel {
  const start = latin1(bytes.subarray(0, 4))
  if (start === 'binf') return modelFromBinary(bytes)
  if (start === 'CONF')
    throw new ModelError('unsupported', 'the pickle was written by XGBoost before 1.6', {
      hint: 'save the model with save_model("model.json")',
    })
  const budget = new Budget(DEFAULT_LIMITS)
  return modelFromDocument(/^\{[iUIlL]/.test(start) ? readUbjson(bytes, budget) : readJson(bytes, budget))
}
