import {
  AliasChange,
  CreateVersion,
  Digest,
  MillwrightError,
  Model,
  ModelSchema,
  ModelVersion,
  Name,
  Upload,
  VersionDetail,
} from '@millwright/contracts'
import { z } from 'zod'
import { model } from '../access/permission.ts'
import { parseDigestHeader } from '../blobs/digest-header.ts'
import type { Context } from '../context.ts'
import { setAlias } from '../deployments/set-alias.ts'
import { answerPage, asIs, PageParams, pageQuery, pageSchema } from '../paging.ts'
import { assertForce, Force } from '../promotion/force.ts'
import { defineRoute, type Reply, type Route } from '../route.ts'
import { type Claims, createClaims } from './claims.ts'
import { createVersion } from './create-version.ts'
import { getModel, getReadyVersion, getVersion } from './lookups.ts'
import { answerVersion, type StoredVersion } from './model.ts'
import { uploadsOf } from './parts.ts'
import { reviewVersion } from './review-version.ts'
import { listAliasChanges, listModels, listVersions } from './store.ts'
import type { VersionQueue } from './version-queue.ts'

const ofModel = z.object({ model: Name })
const ofVersion = z.object({ model: Name, version: z.coerce.number().int().positive() })
const ofAlias = z.object({ model: Name, alias: Name })

const MoveAlias = z.strictObject({
  version: z.int().positive(),
  reason: z.string().max(1000).optional(),
  force: Force,
})

export function registryRoutes(context: Context, queue: VersionQueue): Route[] {
  const claims = createClaims(context.now)
  return [
    uploadRoute(context, claims),
    createVersionRoute(context, { queue, claims }),
    ...modelRoutes(context),
    ...aliasRoutes(context),
  ]
}

const uploadRoute = ({ blobs, limits }: Context, claims: Claims): Route =>
  defineRoute({
    method: 'PUT',
    path: '/api/v1/uploads',
    permission: 'deploy',
    decides: true,
    summary: 'Send the bytes of a file; checked against `Digest: sha-256=…` or `?sha256=` when given',
    tag: 'models',
    query: z.object({ sha256: Digest.optional() }),
    body: 'stream',
    answers: { 200: Upload },
    async handle({ query, headers, body, grant, assertMay }) {
      // They are no model's yet: whoever may make versions of any may send them.
      assertMay('deploy', [{ anyOf: (grant?.models ?? []).map(model) }])
      const limitBytes = limits.maxModelBytes
      if (Number(headers['content-length'] ?? 0) > limitBytes)
        throw new MillwrightError('BODY_TOO_LARGE', { limitBytes })
      const expected = query.sha256 ?? parseDigestHeader(headers.digest)
      const stored = await blobs.put(body, { maxBytes: limitBytes, expected })
      claims.note(grant, stored.digest)
      return { body: stored }
    },
  })

type Registering = { readonly queue: VersionQueue; readonly claims: Claims }

const createVersionRoute = (context: Context, { queue, claims }: Registering): Route =>
  defineRoute({
    method: 'POST',
    path: '/api/v1/models/{model}/versions',
    permission: 'deploy',
    summary: 'Make a version of an upload; waits until its file is read and checked unless `wait=false`',
    tag: 'models',
    params: ofModel,
    query: z.object({ wait: z.enum(['true', 'false']).default('true') }),
    body: CreateVersion,
    answers: { 201: ModelVersion, 200: ModelVersion, 202: ModelVersion },
    async handle({ params, query, body, by, grant, assertMay }) {
      // A run is of an experiment, which the path does not name.
      if (body.run_id !== undefined) assertMay('deploy', [])
      claims.assertSent(grant, uploadsOf(body))
      const { version, created } = await createVersion(context, { ...body, model: params.model, by })
      if (version.state !== 'PENDING') return answer(version, 200)
      const settled = queue.process(version)
      if (query.wait === 'true') return answer(await settled, created ? 201 : 200)
      settled.catch((error: unknown) =>
        context.log.error({ error, model: version.model }, 'version still pending'),
      )
      return answer(version, 202)
    },
  })

/** @throws MillwrightError MODEL_REFUSED */
function answer(version: StoredVersion, status: number): Reply {
  if (version.state === 'REFUSED')
    throw new MillwrightError('MODEL_REFUSED', { reason: version.reason ?? 'refused' })
  return { status, body: answerVersion(version) }
}

const modelRoutes = ({ db }: Context): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/api/v1/models',
    permission: 'read',
    summary: 'All models, oldest first',
    tag: 'models',
    query: PageParams,
    answers: { 200: pageSchema(Model) },
    handle: async ({ query, url }) => ({
      body: answerPage(await listModels(db, pageQuery(query)), url, asIs),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/models/{model}',
    permission: 'read',
    summary: 'One model with its aliases',
    tag: 'models',
    params: ofModel,
    answers: { 200: Model },
    handle: async ({ params }) => ({ body: await getModel(db, params.model) }),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/models/{model}/versions',
    permission: 'read',
    summary: 'Versions of a model, newest first',
    tag: 'models',
    params: ofModel,
    query: PageParams,
    answers: { 200: pageSchema(ModelVersion) },
    async handle({ params, query, url }) {
      const { name } = await getModel(db, params.model)
      return { body: answerPage(await listVersions(db, name, pageQuery(query)), url, answerVersion) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/models/{model}/versions/{version}',
    permission: 'read',
    summary: 'One version: state, report, checks, and what a reviewer would ask about it',
    tag: 'models',
    params: ofVersion,
    answers: { 200: VersionDetail },
    async handle({ params }) {
      const version = await getVersion(db, { model: params.model, number: params.version })
      return { body: { ...answerVersion(version), review: await reviewVersion(db, version) } }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/models/{model}/versions/{version}/schema',
    permission: 'read',
    summary: 'What a version reads and answers',
    tag: 'models',
    params: ofVersion,
    answers: { 200: ModelSchema },
    async handle({ params }) {
      return { body: (await getReadyVersion(db, { model: params.model, number: params.version })).schema }
    },
  }),
]

const aliasRoutes = (context: Context): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/api/v1/models/{model}/aliases',
    permission: 'read',
    summary: 'Aliases of a model and the versions they point to',
    tag: 'models',
    params: ofModel,
    answers: { 200: z.record(z.string(), z.int()) },
    handle: async ({ params }) => ({ body: (await getModel(context.db, params.model)).aliases }),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/models/{model}/aliases/{alias}/history',
    permission: 'read',
    summary: 'Where an alias pointed, newest first, with who, when and why',
    tag: 'models',
    params: ofAlias,
    query: PageParams,
    answers: { 200: pageSchema(AliasChange) },
    async handle({ params, query, url }) {
      await getModel(context.db, params.model)
      const changes = await listAliasChanges(context.db, params, pageQuery(query))
      return { body: answerPage(changes, url, asIs) }
    },
  }),
  defineRoute({
    method: 'PUT',
    path: '/api/v1/models/{model}/aliases/{alias}',
    permission: 'deploy',
    summary: 'Point an alias to a version; moving `production` of a deployed model is a promotion',
    tag: 'models',
    params: ofAlias,
    body: MoveAlias,
    answers: { 200: Model },
    async handle({ params, body, by, assertMay }) {
      assertForce(body, assertMay)
      await setAlias(context, { ...params, ...body, by })
      return { body: await getModel(context.db, params.model) }
    },
  }),
]
