import { CommandError, UsageError } from '../command.ts'

/** Columns of a file, as they are matched with those of a model. */
export type Columns = {
  readonly path: string
  readonly header: readonly string[]
  /** Columns that the model reads. */
  readonly names: readonly string[]
  /** Columns to write; undefined: all. */
  readonly keep: readonly string[] | undefined
  /** Columns that the answers add. */
  readonly added: readonly string[]
}

/**
 * Where each of the model's columns stands: by name, or, when none of the names is there and the number is right, by
 * position.
 * @throws CommandError, UsageError for what cannot be matched, read or written
 */
export function placeColumns(columns: Columns): number[] {
  const { path, header, names, keep, added } = columns
  const twice = header.find((name, i) => header.indexOf(name) < i)
  if (twice !== undefined)
    throw new CommandError(`${path} has two columns called ${JSON.stringify(twice)}`, [
      'which of them is meant cannot be known: rename or remove one',
    ])
  const unknown = keep?.find((name) => !header.includes(name))
  if (unknown !== undefined)
    throw new UsageError(`${path} has no column ${JSON.stringify(unknown)}; it has ${listed(header)}`)
  const taken = (keep ?? header).find((name) => added.includes(name))
  if (taken !== undefined)
    throw new CommandError(
      `${path} has a column ${JSON.stringify(taken)}, which the answers are called too`,
      ['name the columns to write with --keep, without it'],
    )
  const missing = names.filter((name) => !header.includes(name))
  if (missing.length === 0) return names.map((name) => header.indexOf(name))
  if (missing.length === names.length && header.length === names.length) return names.map((_, i) => i)
  throw new CommandError(
    `${path} lacks ${missing.length} of the model's ${names.length} columns: ${listed(missing)}`,
    [`it has ${listed(header)}`],
  )
}

const LISTED = 20
const listed = (names: readonly string[]): string =>
  names.slice(0, LISTED).join(', ') + (names.length > LISTED ? ` and ${names.length - LISTED} more` : '')
