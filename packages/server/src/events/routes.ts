import { Event } from '@millwright/contracts'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { answerPage, asIs, PageParams, pageQuery, pageSchema } from '../paging.ts'
import { defineRoute, type Route } from '../route.ts'
import { listEvents } from './store.ts'

export const eventRoutes = (context: Context): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/api/v1/events',
    permission: 'read',
    summary: 'What happened, newest first',
    tag: 'events',
    query: PageParams.extend({ type: z.string().optional(), subject: z.string().optional() }),
    answers: { 200: pageSchema(Event) },
    handle: async ({ query, url }) => ({
      body: answerPage(await listEvents(context.db, query, pageQuery(query)), url, asIs),
    }),
  }),
]
