import { type Deployment, type FieldError, MillwrightError, type RollOut } from '@millwright/contracts'
import type { Actor, Context } from '../context.ts'
import { buildConfig, type StoredDeployment, serveWhole } from './model.ts'
import { reviseDeployment } from './revise.ts'

/**
 * Puts a candidate beside the version that serves, or changes the weight, shadow, salt or unit of the rollout under way.
 * A rollout is a part of the revision: whoever moves it, by hand or by rule, writes the next one.
 * @throws MillwrightError ROLLOUT_UNDER_WAY, NO_ROLLOUT, VALIDATION_FAILED
 */
export function rollOut(
  context: Context,
  request: RollOut & Actor & { readonly name: string },
): Promise<Deployment> {
  return reviseDeployment(context, request, (current) => {
    const { config } = current.revision
    const version = candidateOf(current, request.version)
    const { weight, shadow, salt, unit } = request
    const before = config.rollout ?? { weight: 0, shadow: 0, salt: `${current.name}-${version}` }
    const rollout = {
      version,
      weight: weight ?? before.weight,
      shadow: shadow ?? before.shadow,
      salt: salt ?? before.salt,
    }
    return {
      config: buildConfig({ ...config, unit: unit ?? config.unit ?? null, rollout }),
      action: 'rolling_out',
    }
  })
}

function candidateOf({ name, revision }: StoredDeployment, asked: number | undefined): number {
  const { version, rollout } = revision.config
  const candidate = asked ?? rollout?.version
  if (candidate === undefined) throw new MillwrightError('NO_ROLLOUT', { name })
  if (rollout !== undefined && rollout.version !== candidate)
    throw new MillwrightError('ROLLOUT_UNDER_WAY', { name, version: rollout.version })
  if (candidate !== version) return candidate
  const message = `version ${version} serves already; a candidate is another version`
  const fields: FieldError[] = [{ pointer: '/version', code: 'invalid', message }]
  throw new MillwrightError('VALIDATION_FAILED', { count: 1 }, { fields })
}

/** Ends a rollout: the stable version answers everybody. Without one, nothing changes, so that it can be sent again. */
export const abortRollout = (
  context: Context,
  request: Actor & { readonly name: string },
): Promise<Deployment> =>
  reviseDeployment(context, request, ({ revision: { config } }) => ({
    config: serveWhole(config, config.version),
    action: 'aborted',
  }))
