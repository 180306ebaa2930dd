import { ApiKey, CreatedKey, CreateKey, RotateKey } from '@millwright/contracts'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { answerPage, PageParams, pageQuery, pageSchema } from '../paging.ts'
import { defineRoute, type Route } from '../route.ts'
import { createKey } from './create.ts'
import { revokeKey, rotateKey } from './end.ts'
import { answerKey } from './model.ts'
import { listKeys } from './store.ts'

const tag = 'keys'
const permission = 'admin'
const params = z.object({ key: z.string().max(128) })

export const keyRoutes = (context: Context): Route[] => [
  defineRoute({
    ...{ method: 'GET', path: '/api/v1/keys', tag, permission },
    summary: 'All keys, newest first, without their secrets',
    query: PageParams,
    answers: { 200: pageSchema(ApiKey) },
    async handle({ query, url }) {
      const now = context.now()
      const page = await listKeys(context.db, pageQuery(query))
      return { body: answerPage(page, url, (key) => answerKey(key, now)) }
    },
  }),
  defineRoute({
    ...{ method: 'POST', path: '/api/v1/keys', tag, permission },
    summary: 'Make a key; its secret is in this answer and nowhere else',
    body: CreateKey,
    answers: { 201: CreatedKey },
    handle: async ({ body, by }) => ({ body: await createKey(context, { ...body, by }) }),
  }),
  defineRoute({
    ...{ method: 'POST', path: '/api/v1/keys/{key}/rotate', tag, permission },
    summary: 'Make the key that follows one; the old one works on for `overlap_seconds`',
    params,
    body: RotateKey,
    answers: { 201: CreatedKey },
    handle: async ({ params, body, by }) => ({
      body: await rotateKey(context, { id: params.key, by, overlapMs: body.overlap_seconds * 1000 }),
    }),
  }),
  defineRoute({
    ...{ method: 'POST', path: '/api/v1/keys/{key}/revoke', tag, permission },
    summary: 'End a key for good; answers when no gateway takes it any more',
    params,
    answers: { 200: ApiKey },
    handle: async ({ params, by }) => ({ body: await revokeKey(context, { id: params.key, by }) }),
  }),
]
