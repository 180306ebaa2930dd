import { missing } from '../tracking/errors.ts'
import { type Message, text } from './fields.ts'

/** Clients send the one, the other, or both. */
export const RUN = { run_id: text, run_uuid: text }

/** @throws MlflowError INVALID_PARAMETER_VALUE when neither is there */
export const runIdOf = ({ run_id: id, run_uuid: uuid }: Message<typeof RUN>): string => {
  const found = id || uuid
  if (!found) throw missing('run_id')
  return found
}
