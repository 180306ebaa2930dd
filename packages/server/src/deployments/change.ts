import { type ChangeDeployment, type Deployment, MillwrightError } from '@millwright/contracts'
import type { Actor, Context } from '../context.ts'
import { resolveAlias } from '../registry/lookups.ts'
import { buildConfig, serveWhole } from './model.ts'
import { reviseDeployment, type Target } from './revise.ts'

/** Changes the served version, the settings, or both; a setting of null is taken away. A rollout ends with its version. */
export async function changeDeployment(
  context: Context,
  request: ChangeDeployment & Actor & { readonly name: string },
): Promise<Deployment> {
  const { name, by, reason, default: makeDefault, ...changed } = request
  return reviseDeployment(context, { name, by, reason }, ({ revision, isDefault }) => {
    if (makeDefault === false && isDefault) throw stillDefault()
    const given = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined))
    const config = buildConfig({ ...revision.config, ...given })
    const isSame = config.version === revision.config.version
    return {
      config: isSame ? config : serveWhole(config, config.version),
      action: isSame ? 'configured' : 'promoted',
      makeDefault: makeDefault ?? false,
    }
  })
}

function stillDefault(): MillwrightError {
  const message = 'there is always a default deployment; make another one the default instead'
  return new MillwrightError(
    'VALIDATION_FAILED',
    { count: 1 },
    { fields: [{ pointer: '/default', code: 'invalid', message }] },
  )
}

/**
 * Serves another version whole, with the same settings: by its number, the one an alias points to now, or without either
 * the candidate of the rollout under way. A rollout ends with it.
 * @throws MillwrightError NO_ROLLOUT, PROMOTION_REFUSED
 */
export async function promoteDeployment(
  context: Context,
  request: Target & { readonly version?: number; readonly alias?: string },
): Promise<Deployment> {
  return reviseDeployment(context, request, async ({ name, model, revision }, tx) => {
    const { version, alias } = request
    const candidate = alias === undefined ? version : await resolveAlias(tx, model, alias)
    const next = candidate ?? revision.config.rollout?.version
    if (next === undefined) throw new MillwrightError('NO_ROLLOUT', { name })
    return { config: serveWhole(revision.config, next), action: 'promoted' }
  })
}
