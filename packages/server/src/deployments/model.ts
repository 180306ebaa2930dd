import { type Deployment, DeploymentConfig, type Revision } from '@millwright/contracts'
import type { RoutedDeployment, RoutedPrecomputed, RoutedVersion } from '../routing/snapshot.ts'
import type { StoredPrecomputed } from './precomputed/store.ts'

/** The alias of a model that follows the version its deployment serves. */
export const FOLLOWED_ALIAS = 'production'

export type StoredRevision = Omit<Revision, 'at'> & { readonly at: number }

/** A deployment at its latest revision, with the version it serves. */
export type StoredDeployment = {
  readonly name: string
  readonly model: string
  readonly isDefault: boolean
  readonly createdAt: number
  readonly revision: StoredRevision
  readonly version: RoutedVersion
  /** Of the rollout under way. */
  readonly candidate: RoutedVersion | null
  /** By version of the API. */
  readonly pinned: Readonly<Record<string, RoutedVersion>>
  readonly precomputed: StoredPrecomputed | undefined
}

export const subjectOf = (name: string): string => `deployments/${name}`

/** Revision whose settings are in force: a rollback's own is the one it restored. */
export const originOf = (revision: StoredRevision): number => revision.restores ?? revision.revision

/** A configuration without absent parts, so that equal ones are equal. */
export function buildConfig(
  parts: Pick<DeploymentConfig, 'version'> & {
    readonly [setting in keyof DeploymentConfig]?: DeploymentConfig[setting] | null
  },
): DeploymentConfig {
  const present = Object.entries(parts).filter(([, value]) => value !== undefined && value !== null)
  return DeploymentConfig.parse(Object.fromEntries(present))
}

/** The same, serving one version whole: a rollout ends with it, and what was unloaded is loaded. */
export function serveWhole(
  { rollout: _ended, unloaded: _loaded, ...config }: DeploymentConfig,
  version: number,
): DeploymentConfig {
  return { ...config, version }
}

export const answerRevision = (revision: StoredRevision): Revision => ({
  ...revision,
  at: new Date(revision.at).toISOString(),
})

export const answerDeployment = (deployment: StoredDeployment): Deployment => ({
  name: deployment.name,
  model: deployment.model,
  default: deployment.isDefault,
  revision: answerRevision(deployment.revision),
  version: answerVersion(deployment.version),
  candidate: deployment.candidate && answerVersion(deployment.candidate),
  pinned: mapValues(deployment.pinned, answerVersion),
  created_at: new Date(deployment.createdAt).toISOString(),
})

const answerVersion = ({ number, label, digest }: RoutedVersion) => ({ number, label, digest })

const mapValues = <T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))

export function routeDeployment(deployment: StoredDeployment): RoutedDeployment {
  const { candidate, pinned, precomputed } = deployment
  const { rollout, unit, decision, respond, limits, cache, unloaded } = deployment.revision.config
  return {
    name: deployment.name,
    model: deployment.model,
    revision: deployment.revision.revision,
    default: deployment.isDefault,
    version: deployment.version,
    decision: decision ?? null,
    respond: respond ?? null,
    limits: limits ?? null,
    ...(rollout && candidate && { rollout: { ...rollout, version: candidate } }),
    ...(unit && { unit }),
    ...(cache && { cache }),
    ...(unloaded && { unloaded }),
    ...(precomputed && { precomputed: routePrecomputed(precomputed) }),
    ...(Object.keys(pinned).length > 0 && { pins: pinned }),
  }
}

const routePrecomputed = (stored: StoredPrecomputed): RoutedPrecomputed => ({
  answers: stored.answers,
  index: stored.index,
  version: stored.version,
  decision: stored.decision,
  computed_at: stored.computedAt,
  max_age: stored.maxAge,
})
