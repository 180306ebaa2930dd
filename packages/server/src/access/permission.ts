import { MillwrightError } from '@millwright/contracts/errors'
import { type Permission, SCOPE_TABLE, type Scope } from '@millwright/contracts/scopes'
import { type Asker, sentIn } from './credential.ts'

/** What a key that was recognised may do. */
export type Grant = {
  readonly id: string
  readonly name: string
  readonly scopes: readonly Scope[]
  /** The only deployments it is good for; null: all. */
  readonly deployments: readonly string[] | null
}

/** The same words for a key that is unknown, expired or revoked. */
export const unauthenticated = (asker: Asker): MillwrightError =>
  new MillwrightError('UNAUTHENTICATED', { given: sentIn(asker).length > 0 })

/**
 * @param deployment the one that is asked for; undefined: the request is about none, or about all
 * @throws MillwrightError PERMISSION_DENIED that names the missing scope
 */
export function assertAllowed(grant: Grant, permission: Permission, deployment: string | undefined): void {
  if (permission === 'public') return
  const { scopes, deployments } = grant
  if (!scopes.some((scope) => SCOPE_TABLE[scope].allows.includes(permission)))
    throw denied(permission, `and the one sent has ${scopes.join(', ')}`)
  if (deployments !== null && (deployment === undefined || !deployments.includes(deployment)))
    throw denied(permission, `and the one sent is good for the deployment ${deployments.join(', ')} only`)
}

const denied = (scope: Scope, reason: string): MillwrightError =>
  new MillwrightError('PERMISSION_DENIED', { scope, reason })

/** Who did it, in the event log. */
export const signatureOf = ({ name, id }: Grant): string => `${name} (${id})`

/** Asks for a key in both ways; browsers show a form for the second. */
export const CHALLENGE = 'Bearer realm="millwright", Basic realm="millwright", charset="UTF-8"'
