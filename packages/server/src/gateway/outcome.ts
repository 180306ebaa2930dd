import { type ErrorCode, MillwrightError } from '@millwright/contracts/errors'
import type { RequestOutcome } from './metrics.ts'

/** Errors that are told apart from others of their status. */
const OUTCOMES: Partial<Record<ErrorCode, RequestOutcome>> = {
  OVERLOADED: 'shed',
  TOO_MANY_REQUESTS: 'shed',
  MODEL_BUSY: 'shed',
  JOB_QUEUE_FULL: 'shed',
  DEADLINE_EXCEEDED: 'cancelled',
}

/** What became of a request that was answered with a status. */
export const outcomeOf = (status: number): RequestOutcome =>
  status < 400 ? 'answered' : status < 500 ? 'refused' : 'failed'

/** What became of one that ended with what was thrown. */
export function outcomeOfFault(fault: unknown): RequestOutcome {
  if (!(fault instanceof MillwrightError)) return 'failed'
  const { code, status }: MillwrightError = fault
  return OUTCOMES[code] ?? outcomeOf(status)
}
