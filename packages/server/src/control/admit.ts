import type { Permission } from '@millwright/contracts/scopes'
import type { Asker } from '../access/credential.ts'
import { type AccessPolicy, assertOwnOrigin } from '../access/origin.ts'
import { assertAbout, assertScope, type Grant, type Subject, unauthenticated } from '../access/permission.ts'

export type Gate = {
  readonly access: AccessPolicy
  /** The key a request was sent with, if it is good now. */
  readonly recognise: (asker: Asker) => Promise<Grant | undefined>
}

type Request = {
  readonly method: string
  readonly asker: Asker
  /** Undefined: there is nothing of that name. */
  readonly permission: Permission | undefined
  /** What it is about, as far as its path says; undefined: whoever answers it decides. */
  readonly subjects: readonly Subject[] | undefined
}

/**
 * The one place where it is decided whether a request is answered. Gateways have decided before, and are not believed:
 * only what the request itself carries counts. Without a good key not even what there is is told.
 * @returns the key's; undefined where none is asked for
 * @throws MillwrightError HOST_NOT_ALLOWED, FOREIGN_ORIGIN, UNAUTHENTICATED, PERMISSION_DENIED
 */
export async function admit(
  { access, recognise }: Gate,
  { method, asker, permission, subjects }: Request,
): Promise<Grant | undefined> {
  assertOwnOrigin(method, asker, access)
  if (!access.loginRequired || permission === 'public') return undefined
  const grant = await recognise(asker)
  if (grant === undefined) throw unauthenticated(asker)
  if (permission === undefined) return grant
  assertScope(grant, permission)
  if (subjects !== undefined) assertAbout(grant, permission, subjects)
  return grant
}
