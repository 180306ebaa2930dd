import { MillwrightError } from '@millwright/contracts'
import { UnstorableText } from './db/text.ts'
import { isDatabaseBusy, isStorageFull } from './durable.ts'

/** What disk, database or store of objects refused, in words for whoever asked; undefined: something else is wrong. */
export function storageFaultOf(error: unknown): MillwrightError | undefined {
  if (isStorageFull(error)) return new MillwrightError('STORAGE_FULL', {}, { cause: error })
  if (isDatabaseBusy(error)) return new MillwrightError('DATABASE_BUSY', {}, { cause: error })
  if (error instanceof Error && '$metadata' in error)
    return new MillwrightError('ARTIFACTS_UNAVAILABLE', { name: nameOf(error) }, { cause: error })
  if (!(error instanceof UnstorableText)) return undefined
  const fields = [{ pointer: '', code: 'invalid', message: error.message }]
  return new MillwrightError('VALIDATION_FAILED', { count: 1 }, { fields })
}

/** What the store or the way to it calls its error: `AccessDenied`, `ECONNREFUSED`. */
const nameOf = (error: Error & { readonly code?: unknown }): string =>
  typeof error.code === 'string' ? error.code : error.name
