import { MillwrightError } from '@millwright/contracts'
import type { Permission } from '@millwright/contracts/scopes'
import { z } from 'zod'

/** In a request to promote: whatever the promotion rules say. Takes the scope admin and a reason. */
export const Force = z.literal(true).optional()

/** @throws MillwrightError PERMISSION_DENIED, VALIDATION_FAILED */
export function assertForce(
  { force, reason }: { readonly force?: true | undefined; readonly reason?: string | undefined },
  assertMay: (permission: Permission) => void,
): void {
  if (force === undefined) return
  assertMay('admin')
  if (reason?.trim()) return
  const message = 'say why the rules are not obeyed'
  throw new MillwrightError(
    'VALIDATION_FAILED',
    { count: 1 },
    { fields: [{ pointer: '/reason', code: 'required', message }] },
  )
}
