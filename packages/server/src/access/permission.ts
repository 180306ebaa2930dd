import { MillwrightError } from '@millwright/contracts/errors'
import { type Permission, SCOPE_TABLE, type Scope } from '@millwright/contracts/scopes'
import { type Asker, sentIn } from './credential.ts'

/** What a key may be good for alone. A key that names anything is good for what it names, and for nothing else. */
export type Bounds = {
  readonly deployments: readonly string[] | null
  /** Their ids: names change. */
  readonly experiments: readonly string[] | null
  readonly models: readonly string[] | null
}
export const UNBOUND = { deployments: null, experiments: null, models: null } satisfies Bounds

/** What a key that was recognised may do. */
export type Grant = Bounds & {
  readonly id: string
  readonly name: string
  readonly scopes: readonly Scope[]
}

/** Something a request is about. */
type Named = { readonly of: keyof Bounds; readonly name: string }
/** … or what may be reached by any of several ways. */
export type Subject = Named | { readonly anyOf: readonly Named[] }

export const deployment = (name: string): Named => ({ of: 'deployments', name })
export const experiment = (id: string | number): Named => ({ of: 'experiments', name: `${id}` })
export const model = (name: string): Named => ({ of: 'models', name })

/** The same words for a key that is unknown, expired or revoked. */
export const unauthenticated = (asker: Asker): MillwrightError =>
  new MillwrightError('UNAUTHENTICATED', { given: sentIn(asker).length > 0 })

/** @throws MillwrightError PERMISSION_DENIED that names the missing scope */
export function assertScope({ scopes }: Grant, permission: Permission): void {
  if (permission === 'public' || scopes.some((scope) => SCOPE_TABLE[scope].allows.includes(permission)))
    return
  throw denied(permission, `and the one sent has ${scopes.join(', ')}`)
}

const KINDS = ['deployments', 'experiments', 'models'] as const

export const isBound = (bounds: Bounds): boolean => KINDS.some((kind) => bounds[kind] !== null)

/** What of a kind a key is good for; undefined: all. */
export const boundsOf = (bounds: Bounds | undefined, kind: keyof Bounds): readonly string[] | undefined =>
  bounds === undefined || !isBound(bounds) ? undefined : (bounds[kind] ?? [])

/**
 * The one place where it is decided what a key is good for.
 * @param subjects all that a request is about; none: something that belongs to nobody, or everything
 * @throws MillwrightError PERMISSION_DENIED that names what the key is good for
 */
export function assertAbout(grant: Grant, permission: Permission, subjects: readonly Subject[]): void {
  if (permission === 'public' || !isBound(grant)) return
  const isNamed = ({ of, name }: Named): boolean => grant[of]?.includes(name) ?? false
  const isWithin = (subject: Subject): boolean =>
    'anyOf' in subject ? subject.anyOf.some(isNamed) : isNamed(subject)
  if (subjects.length > 0 && subjects.every(isWithin)) return
  const good = KINDS.flatMap((kind) => {
    const names = grant[kind] ?? []
    return names.length === 0 ? [] : [`the ${kind.slice(0, -1)} ${names.join(', ')}`]
  })
  throw denied(permission, `and the one sent is good for ${good.join(' and ')} only`)
}

const denied = (scope: Permission, reason: string): MillwrightError =>
  new MillwrightError('PERMISSION_DENIED', { scope, reason })

/** Who did it, in the event log. */
export const signatureOf = ({ name, id }: Grant): string => `${name} (${id})`

/** Asks for a key in both ways; browsers show a form for the second. */
export const CHALLENGE = 'Bearer realm="millwright", Basic realm="millwright", charset="UTF-8"'
