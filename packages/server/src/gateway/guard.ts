import type { Permission } from '@millwright/contracts/scopes'
import { type Asker, sentIn } from '../access/credential.ts'
import { type AccessPolicy, assertOwnOrigin } from '../access/origin.ts'
import {
  assertAbout,
  assertScope,
  deployment,
  type Grant,
  isBound,
  unauthenticated,
} from '../access/permission.ts'
import type { WrongKeys } from '../access/wrong-keys.ts'
import type { Params } from './router.ts'
import type { ServingTable } from './serving-table.ts'

/** The one place of a gateway where it is decided whether a request is answered. Needs nothing of control. */
export type Guard = {
  /** By the head alone, so it holds for every request with the same. @throws MillwrightError HOST_NOT_ALLOWED, FOREIGN_ORIGIN */
  readonly assertOwnOrigin: (method: string, asker: Asker) => void
  /** A caller without a good key is not even told what there is. @throws MillwrightError UNAUTHENTICATED, TOO_MANY_WRONG_KEYS */
  readonly assertKnown: (asker: Asker) => void
  /**
   * @param params of the path; undefined: control decides what the request is about
   * @throws MillwrightError UNAUTHENTICATED, TOO_MANY_WRONG_KEYS, PERMISSION_DENIED
   */
  readonly assertAllowed: (asker: Asker, permission: Permission, params: Params | undefined) => void
}

export function createGuard(table: () => ServingTable, policy: AccessPolicy, wrongKeys: WrongKeys): Guard {
  const recognise = (asker: Asker): Grant => {
    const grant = table().keys.find(asker)
    if (grant !== undefined) return grant
    if (sentIn(asker).length > 0) wrongKeys.note(asker.address)
    throw unauthenticated(asker)
  }
  return {
    assertOwnOrigin: (method, asker) => assertOwnOrigin(method, asker, policy),
    assertKnown(asker) {
      if (policy.loginRequired) recognise(asker)
    },
    assertAllowed(asker, permission, params) {
      if (permission === 'public' || !policy.loginRequired) return
      const grant = recognise(asker)
      assertScope(grant, permission)
      if (params === undefined || !isBound(grant)) return
      const name = deploymentOf(table(), permission, params)
      assertAbout(grant, permission, name === undefined ? [] : [deployment(name)])
    },
  }
}

/** A prediction without a name is the default deployment's; anything else without one is about all of them. */
function deploymentOf(table: ServingTable, permission: Permission, { name }: Params): string | undefined {
  return name ?? (permission === 'predict' ? table.default?.routed.name : undefined)
}
