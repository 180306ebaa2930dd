import { CreatePrecomputed, Name, Precomputed } from '@millwright/contracts'
import { z } from 'zod'
import type { Context } from '../../context.ts'
import { defineRoute, type Route } from '../../route.ts'
import { answerPrecomputed, getPrecomputed, removeAnswers, replaceAnswers } from './replace.ts'

const tag = 'deployments'
const params = z.object({ deployment: Name })
const path = '/api/v1/deployments/{deployment}/precomputed'

/** The answers by key are gateways' own: GET …/precomputed/{key}. */
export const precomputedRoutes = (context: Context): Route[] => [
  defineRoute({
    method: 'POST',
    path,
    permission: 'deploy',
    summary: 'Answer keys with an upload of answers computed beforehand, instead of those before',
    tag,
    params,
    body: CreatePrecomputed,
    answers: { 201: Precomputed },
    handle: async ({ params, body, by }) => ({
      body: await replaceAnswers(context, { ...body, name: params.deployment, by }),
    }),
  }),
  defineRoute({
    method: 'GET',
    path,
    permission: 'read',
    summary: 'What answers stand ready, and what computed them',
    tag,
    params,
    answers: { 200: Precomputed },
    handle: async ({ params }) => ({
      body: answerPrecomputed(await getPrecomputed(context.db, params.deployment)),
    }),
  }),
  defineRoute({
    method: 'DELETE',
    path,
    permission: 'deploy',
    summary: 'Answer no key beforehand any more',
    tag,
    params,
    answers: { 200: Precomputed },
    handle: async ({ params, by }) => ({
      body: await removeAnswers(context, { name: params.deployment, by }),
    }),
  }),
]
