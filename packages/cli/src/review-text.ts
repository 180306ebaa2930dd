import type { ReviewAnswer } from '@millwright/contracts'
import { printable, type Style, table } from './terminal.ts'

/** The answers as lines, and what changed as a table. */
export function reviewText(review: readonly ReviewAnswer[], style: Style): string {
  const marks = { pass: style.good('✔'), fail: style.bad('✖'), note: style.dim('·') }
  const lines = table(
    review.map(({ question, verdict, answer }) => [marks[verdict], question, printable(answer)]),
    style,
  )
  const changes = review.flatMap(({ evidence }) => (evidence.changes ?? []) as Change[])
  if (changes.length === 0) return lines
  const rows = changes.map(({ what, before, after }) => [what, before ?? '—', after ?? '—'].map(shorten))
  return `${lines}\n${style.bold('What changed')}\n${table(rows, style, ['', 'BEFORE', 'NOW'])}`
}

type Change = { readonly what: string; readonly before: string | null; readonly after: string | null }

const WIDEST = 60
const shorten = (text: string): string =>
  printable(text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text)

/** A stated limit is not kept. */
export const isFailed = (review: readonly ReviewAnswer[]): boolean =>
  review.some(({ verdict }) => verdict === 'fail')
