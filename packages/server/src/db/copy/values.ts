import type { SQLOutputValue } from 'node:sqlite'

/** A value as text that both databases agree on: digits, a double in as few digits as it takes, hexadecimal bytes. */
type Value = string | null
export type Row = readonly Value[]

type Kind = {
  /** @returns undefined when it is no value of this kind */
  readonly ofSqlite: (value: SQLOutputValue) => string | undefined
  /** Of what PostgreSQL writes. */
  readonly ofPostgres: (text: string) => string
}

const same = (text: string): string => text

/** Integers that SQLite was given as doubles are integers. */
const integer: Kind = {
  ofSqlite(value) {
    if (typeof value === 'bigint') return String(value)
    return Number.isInteger(value) ? String(BigInt(value as number)) : undefined
  },
  ofPostgres: same,
}

/** SQLite keeps -0 apart from 0, `String` does not. */
const doubleText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))

const double: Kind = {
  ofSqlite: (value) =>
    typeof value === 'number' || typeof value === 'bigint' ? doubleText(Number(value)) : undefined,
  ofPostgres: (text) => doubleText(Number(text)),
}

const text: Kind = {
  ofSqlite: (value) => (typeof value === 'string' ? value : undefined),
  ofPostgres: same,
}

const bytes: Kind = {
  ofSqlite: (value) => (value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : undefined),
  ofPostgres: same,
}

/** By PostgreSQL's names of types: those that migrations make. */
export const KINDS: Readonly<Record<string, Kind>> = {
  int4: integer,
  int8: integer,
  float8: double,
  text,
  bytea: bytes,
}

/** One row for a digest. */
export const lineOf = (row: Row): string => `${JSON.stringify(row)}\n`
