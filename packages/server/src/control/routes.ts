import { collectionRoutes } from '../collection/routes.ts'
import type { Context } from '../context.ts'
import { precomputedRoutes } from '../deployments/precomputed/routes.ts'
import { deploymentRoutes } from '../deployments/routes.ts'
import { eventRoutes } from '../events/routes.ts'
import { importRoutes } from '../imports/routes.ts'
import { keyRoutes } from '../keys/routes.ts'
import type { MlflowContext } from '../mlflow/route.ts'
import { promotionRoutes } from '../promotion/routes.ts'
import { registryRoutes } from '../registry/routes.ts'
import type { VersionQueue } from '../registry/version-queue.ts'
import type { Route } from '../route.ts'
import { runRoutes } from '../runs/routes.ts'
import { webhookRoutes } from '../webhooks/routes.ts'
import { type StatusDeps, statusRoutes } from './status.ts'

type RouteDeps = {
  readonly context: Context
  readonly queue: VersionQueue
  readonly status: StatusDeps
  readonly mlflow: MlflowContext
}

/** Control's route table, but for domains that bring their own state. */
export const controlRoutes = ({ context, queue, status, mlflow }: RouteDeps): Route[] => [
  ...registryRoutes(context, queue),
  ...promotionRoutes(context),
  ...deploymentRoutes(context),
  ...precomputedRoutes(context),
  ...runRoutes(mlflow),
  ...importRoutes(mlflow),
  ...collectionRoutes(mlflow),
  ...eventRoutes(context),
  ...keyRoutes(context),
  ...webhookRoutes(context),
  ...statusRoutes(status),
]
