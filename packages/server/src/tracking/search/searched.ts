import type { RawBuilder } from 'kysely'
import type { Entity, Kind } from '../filter/entities.ts'

/** A column, or what is computed of columns. */
export type Column = { readonly value: RawBuilder<unknown>; readonly isNullable?: boolean }

/** Rows of key and value that belong to what is searched: at most one of a key, unless there are `several`. */
export type Keyed = {
  readonly table: string
  /** Ties a row, by its alias, to what it belongs to. */
  readonly belongs: (alias: string) => RawBuilder<unknown>
  /** The column that names the owner, and the owner's, where an index finds owners by the beginning of a value. */
  readonly indexed?: { readonly owner: string; readonly of: string }
  /** How a key is stored. */
  readonly keyOf?: (key: string) => RawBuilder<unknown>
  /** Values may be NaN. */
  readonly isMetric?: boolean
  /** What a key that has no row counts as; undefined: nothing, so that no comparison holds. */
  readonly absent?: (key: string) => string | undefined
  /** Which of several counts as the value: the first in this order. For conditions any does. */
  readonly several?: (alias: string) => RawBuilder<unknown>
}

/** How an entity of the search grammar is stored. */
export type Searched = {
  readonly entity: Entity
  readonly table: string
  readonly columns: Readonly<Record<string, Column>>
  readonly keyed: Readonly<Partial<Record<Kind, Keyed>>>
  /** Rows with columns of their own that belong to what is searched; a condition holds when it does of any. */
  readonly related?: Readonly<Partial<Record<Kind, Related>>>
  /** Sorts what is equal otherwise. Their columns are never null, and the last is unique. */
  readonly tieBreaks: readonly { readonly key: string; readonly isDescending: boolean }[]
}

type Related = {
  /** Up to and with the `where` that ties them to what is searched. */
  readonly from: RawBuilder<unknown>
  readonly columns: Readonly<Record<string, RawBuilder<unknown>>>
}
