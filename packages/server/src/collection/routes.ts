import { CollectedTracking, CollectTracking, TrackingStorage } from '@millwright/contracts'
import type { MlflowContext } from '../mlflow/route.ts'
import { defineRoute, type Route } from '../route.ts'
import { collectTracking } from './collect.ts'
import { reportStorage } from './storage.ts'

const tag = 'tracking'

export const collectionRoutes = (context: MlflowContext): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/api/v1/tracking/gc',
    permission: 'admin',
    summary:
      'Remove for good what was deleted, but for what registered versions need; `dry_run` says what would go',
    tag,
    body: CollectTracking,
    answers: { 200: CollectedTracking },
    async handle({ body: { older_than, experiments, dry_run: isDry }, by }) {
      const before = context.now() - older_than * 1000
      return { body: await collectTracking(context, { before, experiments, isDry, by }) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/tracking/storage',
    permission: 'read',
    summary: 'Where the bytes of files are: by experiment, run and model, and what nothing refers to',
    tag,
    answers: { 200: TrackingStorage },
    handle: async () => ({ body: await reportStorage(context) }),
  }),
]
