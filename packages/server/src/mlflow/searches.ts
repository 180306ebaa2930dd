import type { Selectable } from 'kysely'
import { type RawBuilder, sql } from 'kysely'
import type { Grant } from '../access/permission.ts'
import { numbers } from '../db/dialect.ts'
import type { Tables } from '../db/tables.ts'
import { withTags } from '../tracking/experiments.ts'
import { EXPERIMENTS, RUNS } from '../tracking/filter/entities.ts'
import { parseOrders } from '../tracking/filter/order.ts'
import { summariseDatasets } from '../tracking/inputs.ts'
import { SEARCHED_EXPERIMENTS, SEARCHED_RUNS } from '../tracking/search/entities.ts'
import { search } from '../tracking/search/search.ts'
import { numbersIn, numbersOf, within } from './bounds.ts'
import { experimentOf } from './encode.ts'
import { int64, list, oneOf, required, text } from './fields.ts'
import { assertPageSize } from './pages.ts'
import { type MlflowRoute, route } from './route.ts'

const MOST = 50_000
const RUNS_A_PAGE = 1000
const VIEW = oneOf(['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL'])

type View = 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL' | undefined
const inView = (table: string, view: View = 'ACTIVE_ONLY'): RawBuilder<unknown>[] =>
  view === 'ALL'
    ? []
    : [sql`${sql.ref(`${table}.lifecycle`)} = ${view === 'ACTIVE_ONLY' ? 'active' : 'deleted'}`]

const inBounds = (grant: Grant | undefined) => within(sql.ref('runs.experiment'), numbersIn(grant))

/** Newest first. */
const NEWEST_EXPERIMENTS = ['creation_time DESC', 'experiment_id ASC']

export const SEARCH_ROUTES: readonly MlflowRoute[] = [
  route('POST', 'runs/search', 'read', {
    about: 'listed',
    fields: {
      ...{ experiment_ids: list(required(text)), filter: text, run_view_type: VIEW },
      ...{ max_results: int64, order_by: list(required(text)), page_token: text },
    },
    async answer(
      { db, runTexts, grant },
      { experiment_ids, filter = '', run_view_type, max_results, order_by, page_token },
    ) {
      const limit = assertPageSize(max_results ?? RUNS_A_PAGE, MOST)
      const orders = parseOrders(order_by, RUNS)
      const inExperiments = sql`runs.experiment in ${numbers(db, numbersOf(experiment_ids))}`
      const { rows, next } = await search<Selectable<Tables['runs']>>(db, SEARCHED_RUNS, {
        ...{ filter, orders, limit, token: page_token || undefined },
        where: [inExperiments, ...inBounds(grant), ...inView('runs', run_view_type)],
      })
      return { runs: await runTexts.textsOf(db, rows), next_page_token: next }
    },
  }),
  route(['GET', 'POST'], 'experiments/search', 'read', {
    about: 'listed',
    fields: {
      ...{ filter: text, view_type: VIEW, max_results: int64 },
      ...{ order_by: list(required(text)), page_token: text },
    },
    async answer({ db, grant }, { filter = '', view_type, max_results = 0, order_by, page_token }) {
      const limit = assertPageSize(max_results, MOST)
      const orders = parseOrders(order_by.length === 0 ? NEWEST_EXPERIMENTS : order_by, EXPERIMENTS)
      const { rows, next } = await search<Selectable<Tables['experiments']>>(db, SEARCHED_EXPERIMENTS, {
        ...{ filter, orders, limit, token: page_token || undefined },
        where: [...within(sql.ref('experiments.id'), numbersIn(grant)), ...inView('experiments', view_type)],
      })
      return { experiments: (await withTags(db, rows)).map(experimentOf), next_page_token: next }
    },
  }),
  route('POST', 'experiments/search-datasets', 'read', {
    about: 'listed',
    fields: { experiment_ids: list(required(text)) },
    async answer({ db, grant }, { experiment_ids }) {
      const good = numbersIn(grant)
      const asked = numbersOf(experiment_ids.slice(0, 20))
      const ids = asked.filter((id) => good?.includes(id) ?? true)
      const summaries = ids.length === 0 && asked.length > 0 ? [] : await summariseDatasets(db, ids, 1000)
      return { dataset_summaries: summaries }
    },
  }),
]
