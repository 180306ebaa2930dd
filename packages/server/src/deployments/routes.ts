import {
  ChangeDeployment,
  CreateDeployment,
  Deployment,
  ModelSchema,
  Name,
  Revision,
  RollBack,
  RollOut,
} from '@millwright/contracts'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { answerPage, PageParams, pageQuery, pageSchema } from '../paging.ts'
import { assertForce, Force } from '../promotion/force.ts'
import { defineRoute, type Route } from '../route.ts'
import { changeDeployment, promoteDeployment } from './change.ts'
import { createDeployment } from './create.ts'
import { loadDeployment, unloadDeployment } from './load.ts'
import { answerDeployment, answerRevision } from './model.ts'
import { getDeployment } from './revise.ts'
import { rollBack } from './roll-back.ts'
import { abortRollout, rollOut } from './roll-out.ts'
import { listDeployments, listRevisions } from './store.ts'

const tag = 'deployments'
const params = z.object({ deployment: Name })

const reason = z.string().max(1000).optional()
/** At most one of the two. */
const PromoteDeployment = z.union([
  z.strictObject({ version: z.int().positive(), reason, force: Force }),
  z.strictObject({ alias: Name, reason, force: Force }),
  z.strictObject({ reason, force: Force }),
])

export const deploymentRoutes = (context: Context): Route[] => [
  ...reads(context),
  ...rollouts(context),
  ...loads(context),
  defineRoute({
    method: 'POST',
    path: '/api/v1/deployments',
    permission: 'deploy',
    summary: 'Serve a version of a model under a name; the first deployment becomes the default',
    tag,
    body: CreateDeployment,
    answers: { 201: Deployment },
    handle: async ({ body, by }) => ({ body: await createDeployment(context, { ...body, by }) }),
  }),
  defineRoute({
    method: 'PATCH',
    path: '/api/v1/deployments/{deployment}',
    permission: 'deploy',
    summary:
      'Change the version, the decision, the response, the limits, the cache, the unit or the pins: a new revision',
    tag,
    params,
    body: ChangeDeployment,
    answers: { 200: Deployment },
    handle: async ({ params, body, by }) => ({
      body: await changeDeployment(context, { ...body, name: params.deployment, by }),
    }),
  }),
]

const loads = (context: Context): Route[] =>
  (
    [
      ['load', 'Serve a deployment that was unloaded; answers when every gateway does', loadDeployment],
      ['unload', 'Take a deployment out of every gateway; its settings stay', unloadDeployment],
    ] as const
  ).map(([verb, summary, change]) =>
    defineRoute({
      method: 'POST',
      path: `/api/v1/deployments/{deployment}/${verb}`,
      permission: 'deploy',
      summary,
      tag,
      params,
      body: z.strictObject({ reason }),
      answers: { 200: Deployment },
      handle: async ({ params, body, by }) => ({
        body: await change(context, { ...body, name: params.deployment, by }),
      }),
    }),
  )

const rollouts = (context: Context): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/api/v1/deployments/{deployment}/rollout',
    permission: 'deploy',
    summary: 'Put a candidate beside the version that serves, or change its weight and shadow',
    tag,
    params,
    body: RollOut,
    answers: { 200: Deployment },
    handle: async ({ params, body, by }) => ({
      body: await rollOut(context, { ...body, name: params.deployment, by }),
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/api/v1/deployments/{deployment}/promote',
    permission: 'deploy',
    summary: 'Serve another version whole, by default the candidate; answers when every gateway serves it',
    tag,
    params,
    body: PromoteDeployment,
    answers: { 200: Deployment },
    async handle({ params, body, by, assertMay }) {
      assertForce(body, assertMay)
      return { body: await promoteDeployment(context, { ...body, name: params.deployment, by }) }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/api/v1/deployments/{deployment}/abort',
    permission: 'deploy',
    summary: 'End the rollout: the stable version answers everybody',
    tag,
    params,
    body: z.strictObject({ reason }),
    answers: { 200: Deployment },
    handle: async ({ params, body, by }) => ({
      body: await abortRollout(context, { ...body, name: params.deployment, by }),
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/api/v1/deployments/{deployment}/rollback',
    permission: 'deploy',
    summary: 'Restore the last revision without a rollout, or the one named; asked again, goes further back',
    tag,
    params,
    body: RollBack,
    answers: { 200: Deployment },
    handle: async ({ params, body, by }) => ({
      body: await rollBack(context, { ...body, name: params.deployment, by }),
    }),
  }),
]

const reads = ({ db, blobs }: Context): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/api/v1/deployments',
    permission: 'read',
    summary: 'All deployments, oldest first',
    tag,
    query: PageParams,
    answers: { 200: pageSchema(Deployment) },
    async handle({ query, url }) {
      return { body: answerPage(await listDeployments(db, pageQuery(query)), url, answerDeployment) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/deployments/{deployment}',
    permission: 'read',
    summary: 'One deployment at its current revision',
    tag,
    params,
    answers: { 200: Deployment },
    handle: async ({ params }) => ({ body: answerDeployment(await getDeployment(db, params.deployment)) }),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/deployments/{deployment}/revisions',
    permission: 'read',
    summary: 'Every setting a deployment had, newest first, with who, when and why',
    tag,
    params,
    query: PageParams,
    answers: { 200: pageSchema(Revision) },
    async handle({ params, query, url }) {
      const { name } = await getDeployment(db, params.deployment)
      return { body: answerPage(await listRevisions(db, name, pageQuery(query)), url, answerRevision) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/deployments/{deployment}/schema',
    permission: 'read',
    summary: 'What the served version reads and answers',
    tag,
    params,
    answers: { 200: ModelSchema },
    handle: async ({ params }) => ({ body: (await getDeployment(db, params.deployment)).version.schema }),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/deployments/{deployment}/program',
    permission: 'read',
    summary:
      'The compiled program of the served version, to score rows elsewhere: bytes that nothing executes',
    tag,
    params,
    answers: { 200: z.file() },
    async handle({ params }) {
      const { version } = await getDeployment(db, params.deployment)
      return {
        body: blobs.get(version.program),
        headers: {
          'content-type': 'application/octet-stream',
          digest: `sha-256=${Buffer.from(version.program, 'hex').toString('base64')}`,
          'x-millwright-version': String(version.number),
        },
      }
    },
  }),
]
