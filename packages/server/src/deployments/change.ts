import { type ChangeDeployment, type Deployment, MillwrightError } from '@millwright/contracts'
import type { Actor, Context } from '../context.ts'
import { resolveAlias } from '../registry/lookups.ts'
import { buildConfig } from './model.ts'
import { reviseDeployment } from './revise.ts'

/** Changes the served version, the settings, or both; a setting of null is taken away. */
export async function changeDeployment(
  context: Context,
  request: ChangeDeployment & Actor & { readonly name: string },
): Promise<Deployment> {
  const { name, by, reason, default: makeDefault, ...changed } = request
  return reviseDeployment(context, { name, by, reason }, ({ revision, isDefault }) => {
    if (makeDefault === false && isDefault) throw stillDefault()
    const given = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined))
    const config = buildConfig({ ...revision.config, ...given })
    const action = config.version === revision.config.version ? 'configured' : 'promoted'
    return { config, action, makeDefault: makeDefault ?? false }
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

/** Serves another version with the same settings: by its number, or the one an alias points to now. */
export async function promoteDeployment(
  context: Context,
  request: Actor & { readonly name: string } & ({ readonly version: number } | { readonly alias: string }),
): Promise<Deployment> {
  return reviseDeployment(context, request, async ({ model, revision }, tx) => {
    const version = 'version' in request ? request.version : await resolveAlias(tx, model, request.alias)
    return { config: { ...revision.config, version }, action: 'promoted' }
  })
}
