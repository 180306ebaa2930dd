import { expect } from 'vitest'
import { JSON_TYPE, type Target, type Targets } from './target.ts'

/** How MLflow's routes are asked, and what no answer of theirs may say. */

export const API = '/api/2.0/mlflow'
export const FILES = '/api/2.0/mlflow-artifacts'

export type Told = { readonly status: number; readonly body: string }
export type Answer = Told & { readonly headers: Headers }

export const post = (target: Target, path: string, body: unknown, headers = {}): Promise<Answer> =>
  target.ask('POST', `${API}/${path}`, { headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) })
export const read = (target: Target, path: string, headers = {}): Promise<Answer> =>
  target.ask('GET', `${API}/${path}`, { headers })
export const put = (target: Target, path: string, body: string | Buffer): Promise<Answer> =>
  target.ask('PUT', `${FILES}/artifacts/${path}`, { body })
export const mark = (): string => `attack-${Math.random().toString(36).slice(2)}`

/** Neither what ran nor how, nor the statement of a database. */
export function expectCalm(answers: readonly Told[]): void {
  expect(
    answers
      .map(({ status, body }) => ({ status, body: body.slice(0, 300) }))
      .filter(({ status }) => status >= 500),
  ).toEqual([])
  for (const { body } of answers)
    expect(body).not.toMatch(/sqlite|\bselect \S+ from\b|insert into|syntax error|node_modules/i)
}

export async function createRun(target: Target): Promise<{ run: string; experiment: string; root: string }> {
  const { experiment_id: experiment } = JSON.parse(
    (await post(target, 'experiments/create', { name: mark() })).body,
  )
  const { run } = JSON.parse((await post(target, 'runs/create', { experiment_id: experiment })).body)
  return { run: run.info.run_id, experiment, root: `${experiment}/${run.info.run_id}/artifacts` }
}

/** Whoever is asked for by a server that reads a source, a location or an address of its callers. */
export const untouched = async ({ trap }: Targets, run: () => Promise<void>): Promise<void> => {
  const before = trap.received.length
  await run()
  expect(trap.received.length).toBe(before)
}
