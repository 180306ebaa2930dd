import { readFileSync } from 'node:fs'

/** A recorded request to a Flask program that served the churn model, and what it answered. */
export type Recorded = {
  readonly name: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: readonly string[]
    readonly body?: string
    readonly body_base64?: string
    readonly body_made_of?: { prefix: string; unit: string; count: number; suffix: string }
  }
  readonly response: { readonly status: number; readonly content_type: string | null; readonly body: string }
}

export const readTrace = (): Recorded[] =>
  readFileSync(new URL('./fixtures/churn-trace.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recorded)

export function bodyOf({ body, body_base64, body_made_of: made }: Recorded['request']): Buffer {
  if (body_base64 !== undefined) return Buffer.from(body_base64, 'base64')
  if (made !== undefined) return Buffer.from(made.prefix + made.unit.repeat(made.count) + made.suffix)
  return Buffer.from(body ?? '')
}
