import {
  ImportEnd,
  ImportedRows,
  ImportedVersion,
  ImportRows,
  ImportVersion,
  TrackedFile,
} from '@millwright/contracts'
import { z } from 'zod'
import { parseFolder } from '../artifacts/path.ts'
import { listFilesBelow } from '../artifacts/store.ts'
import type { MlflowContext } from '../mlflow/route.ts'
import { defineRoute, type Route } from '../route.ts'
import { endImport } from './end.ts'
import { importRows } from './rows.ts'
import { importVersion } from './version.ts'

const tag = 'tracking'
/** Files told at once. */
const MOST_FILES = 1000

/** What another tracking server has is brought here by these. */
export const importRoutes = (context: MlflowContext): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/api/v1/tracking/import',
    permission: 'admin',
    summary: 'Add rows of another tracking server with their ids and times; the same again adds nothing',
    tag,
    body: ImportRows,
    answers: { 200: ImportedRows },
    async handle({ body: { rows }, by }) {
      const deps = { artifactRoot: context.artifactRoot, now: context.now(), by }
      const answers = await context.writer.write((db) => importRows(db, rows, deps))
      for (const row of rows) if ('run_id' in row) context.runTexts.forget(row.run_id)
      return { body: { rows: answers } }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/api/v1/tracking/import/models/{model}/versions',
    permission: 'admin',
    summary: 'Add a version with the number it has elsewhere; waits until its file is read',
    tag,
    params: z.object({ model: z.string().min(1).max(256) }),
    body: ImportVersion,
    answers: { 200: ImportedVersion },
    handle: async ({ params, body }) => ({ body: await importVersion(context, params.model, body) }),
  }),
  defineRoute({
    method: 'POST',
    path: '/api/v1/tracking/import/end',
    permission: 'admin',
    summary: 'Record an import that ended: where from, without credentials, and what there was on both sides',
    tag,
    body: ImportEnd,
    answers: { 200: ImportEnd },
    handle: async ({ body: end, by }) => ({
      body: await context.writer.write((db) => endImport(db, { end, at: context.now(), by })),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/api/v1/tracking/files',
    permission: 'read',
    summary:
      'Files of runs and models below a folder at any depth, with their digests, in the order of their paths',
    tag,
    query: z.object({ under: z.string().default(''), after: z.string().optional() }),
    answers: { 200: z.object({ data: z.array(TrackedFile), has_more: z.boolean() }) },
    async handle({ query: { under, after } }) {
      const files = await listFilesBelow(context.artifacts.db, parseFolder(under), {
        most: MOST_FILES + 1,
        after,
      })
      const data = files.slice(0, MOST_FILES).map(({ path, bytes, digest }) => ({ path, bytes, digest }))
      return { body: { data, has_more: files.length > MOST_FILES } }
    },
  }),
]
