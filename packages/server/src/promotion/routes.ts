import {
  Approval,
  Approve,
  Name,
  PromotionCheck,
  PromotionRules,
  SetPromotionRules,
} from '@millwright/contracts'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { answerPage, asIs, PageParams, pageQuery, pageSchema } from '../paging.ts'
import { getModel, getVersion } from '../registry/lookups.ts'
import { defineRoute, type Route } from '../route.ts'
import { approve, setRules } from './change.ts'
import { checkPromotion } from './check.ts'
import { listApprovals, listRules, readRules } from './store.ts'

const tag = 'models'
const ofAlias = z.object({ model: Name, alias: Name })
const ofVersion = z.object({ model: Name, version: z.coerce.number().int().positive() })

export const promotionRoutes = (context: Context): Route[] => [
  ...ruleRoutes(context),
  ...versionRoutes(context),
]

const ruleRoutes = (context: Context): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/api/v1/models/{model}/aliases/{alias}/rules',
    permission: 'read',
    summary: 'What a version must meet before the alias is moved to it',
    tag,
    params: ofAlias,
    answers: { 200: PromotionRules },
    async handle({ params }) {
      await getModel(context.db, params.model)
      return { body: await readRules(context.db, params) }
    },
  }),
  defineRoute({
    method: 'PUT',
    path: '/api/v1/models/{model}/aliases/{alias}/rules',
    permission: 'admin',
    summary: 'Set all promotion rules of an alias: a new revision of them',
    tag,
    params: ofAlias,
    body: SetPromotionRules,
    answers: { 200: PromotionRules },
    handle: async ({ params, body, by }) => ({ body: await setRules(context, { ...params, ...body, by }) }),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/models/{model}/aliases/{alias}/rules/history',
    permission: 'read',
    summary: 'Every revision of the rules, newest first, with who, when and why',
    tag,
    params: ofAlias,
    query: PageParams,
    answers: { 200: pageSchema(PromotionRules) },
    async handle({ params, query, url }) {
      await getModel(context.db, params.model)
      return { body: answerPage(await listRules(context.db, params, pageQuery(query)), url, asIs) }
    },
  }),
]

const versionRoutes = (context: Context): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/api/v1/models/{model}/versions/{version}/promotion',
    permission: 'read',
    summary:
      'Whether the rules would let an alias be moved to the version: a promotion without the promotion',
    tag,
    params: ofVersion,
    query: z.object({ alias: Name.default('production') }),
    answers: { 200: PromotionCheck },
    async handle({ params: { model, version }, query: { alias } }) {
      await getVersion(context.db, { model, number: version })
      return { body: await checkPromotion(context.db, { model, alias, version }) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/models/{model}/versions/{version}/approvals',
    permission: 'read',
    summary: 'Who approved a version, when and why',
    tag,
    params: ofVersion,
    answers: { 200: z.array(Approval) },
    async handle({ params }) {
      await getVersion(context.db, { model: params.model, number: params.version })
      return { body: await listApprovals(context.db, params) }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/api/v1/models/{model}/versions/{version}/approvals',
    permission: 'deploy',
    summary: 'Approve a version, in the name of the key',
    tag,
    params: ofVersion,
    body: Approve,
    answers: { 200: Approval },
    handle: async ({ params, body, by }) => ({ body: await approve(context, { ...params, ...body, by }) }),
  }),
]
