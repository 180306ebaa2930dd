import { type Deployment, DeploymentConfig, type Limits, type Revision } from '@millwright/contracts'
import type { RoutedDeployment, RoutedVersion } from '../routing/snapshot.ts'

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
}

export const subjectOf = (name: string): string => `deployments/${name}`

/** Revision whose settings are in force: a rollback's own is the one it restored. */
export const originOf = (revision: StoredRevision): number => revision.restores ?? revision.revision

/** A configuration without absent parts, so that equal ones are equal. */
export function buildConfig(parts: {
  version: number
  decision?: DeploymentConfig['decision'] | null
  respond?: DeploymentConfig['respond'] | null
  limits?: Limits | null | undefined
}): DeploymentConfig {
  const present = Object.entries(parts).filter(([, value]) => value !== undefined && value !== null)
  return DeploymentConfig.parse(Object.fromEntries(present))
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
  version: {
    number: deployment.version.number,
    label: deployment.version.label,
    digest: deployment.version.digest,
  },
  created_at: new Date(deployment.createdAt).toISOString(),
})

export const routeDeployment = (deployment: StoredDeployment): RoutedDeployment => ({
  name: deployment.name,
  model: deployment.model,
  revision: deployment.revision.revision,
  default: deployment.isDefault,
  version: deployment.version,
  decision: deployment.revision.config.decision ?? null,
  respond: deployment.revision.config.respond ?? null,
  limits: deployment.revision.config.limits ?? null,
})
