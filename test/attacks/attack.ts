import { expect } from 'vitest'
import { rawPost } from '../support/raw.ts'
import { CODES, type Target, type Targets } from './target.ts'

/** One numbered case: what an attacker does, and that it did not help him. */
export type Attack = {
  readonly number: number
  readonly words: string
  readonly run: (targets: Targets) => Promise<void>
}

/** A request as bytes, and how it is refused: status, and the code of the error where the body is a problem document. */
export type Refusal = readonly [what: string, request: string | Buffer, status: number, code?: string]

/** An attack that is bytes and what they are answered. */
export const refusals = (number: number, words: string, rows: readonly Refusal[]): Attack => ({
  number,
  words,
  run: (targets) => expectRefusals(targets, rows),
})

export async function expectRefusals(target: Target, rows: readonly Refusal[]): Promise<void> {
  const found: unknown[] = []
  for (const [what, request, , code] of rows) {
    const answers = await target.send(request, { answers: 1 })
    const [first] = answers
    found.push([what, first?.status, ...(code === undefined ? [] : [codeOf(first?.body ?? '')])])
    expect(answers.length, `${what}: answers to one request`).toBeLessThanOrEqual(1)
    expect(first?.body.length ?? 0, `${what}: bytes of the answer`).toBeLessThan(65_536)
  }
  expect(found).toEqual(
    rows.map(([what, , status, code]) => [what, status, ...(code === undefined ? [] : [code])]),
  )
}

/** The code of a problem document. */
export function codeOf(body: string): string | undefined {
  try {
    const { code } = JSON.parse(body) as { code?: string }
    return code !== undefined && CODES.has(code) ? code : undefined
  } catch {
    return undefined
  }
}

/** POST over a connection that is kept: what the fast path answers. */
export const plainPost = (path: string, body: string, headers: readonly string[] = []): string =>
  rawPost(path, body, headers).replace('connection: close\r\n', '')

export const get = (path: string, headers: readonly string[] = []): string =>
  [`GET ${path} HTTP/1.1`, 'host: localhost', 'connection: close', ...headers, '', ''].join('\r\n')

/** A POST with these bytes as its body. */
export const binaryPost = (path: string, body: Buffer, headers: readonly string[] = []): Buffer =>
  Buffer.concat([
    Buffer.from(
      [
        `POST ${path} HTTP/1.1`,
        'host: localhost',
        'connection: close',
        `content-length: ${body.length}`,
        ...headers,
        '',
        '',
      ].join('\r\n'),
    ),
    body,
  ])

/** Statuses of answers to many requests on one connection. */
export const countByStatus = (answers: readonly { status: number }[]): Record<number, number> =>
  Object.fromEntries(
    [...Map.groupBy(answers, ({ status }) => status)].map(([status, all]) => [status, all.length]),
  )
