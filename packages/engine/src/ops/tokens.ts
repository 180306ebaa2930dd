import type { Attrs, ValueType } from '../ir/program.ts'
import type { SparseRows } from '../ir/sparse-rows.ts'
import { sortKeys } from '../math/sort-keys.ts'
import { type Analyser, type AnalyserAttrs, buildAnalyser } from '../text/analyser.ts'
import { hashColumn, murmurOf } from '../text/murmur.ts'
import { buildScanner } from '../text/scanner.ts'
import { storageFor, type Tokens } from '../text/spans.ts'
import { indexVocabulary } from '../text/vocabulary.ts'
import { type Place, placeByHash } from './hashed-place.ts'
import { defineOp, type Op, sparse } from './op.ts'
import { expectTallyWidth, sparseRowOf } from './tally.ts'

type Placer = (token: string, place: Place) => void

type TokenRule<A extends Attrs> = {
  readonly name: string
  /** Type of the result. @throws RangeError for attributes that do not fit */
  result(attrs: A): ValueType
  /** Where each token counts; prepared once. */
  placer(attrs: A): Placer
  /** The same for all tokens of a text at once: writes a key for each that counts, and returns how many. */
  keyer(attrs: A): (tokens: Tokens, keys: Int32Array) => number
}

/** What the meaning of an operation needs beside its attributes, built once for each. */
type Prepared = { readonly analyse: Analyser; readonly place: Placer }

/** An operation from one text to the tokens counted in it. */
function tokenOp<A extends AnalyserAttrs & { binary: boolean }>({
  name,
  result,
  placer,
  keyer,
}: TokenRule<A>): Op<A> {
  const known = new WeakMap<A, Prepared>()
  const prepare = (attrs: A): Prepared => {
    const prepared = known.get(attrs) ?? { analyse: buildAnalyser(attrs), place: placer(attrs) }
    known.set(attrs, prepared)
    return prepared
  }
  return defineOp<A>({
    name,
    infer(attrs, [x]) {
      if (x?.kind !== 'cell' || x.width !== 1) throw new RangeError(`${name}: expects one column of text`)
      buildAnalyser(attrs)
      return result(attrs)
    },
    ref(attrs, [x]) {
      const { analyse, place } = prepare(attrs)
      const sums = new Map<number, number>()
      analyse(x![0], (token) => {
        const at = { column: -1, value: 0 }
        place(token, at)
        if (at.column >= 0) sums.set(at.column, (sums.get(at.column) ?? 0) + at.value)
      })
      return sparseRowOf(sums, attrs.binary)
    },
    block(attrs) {
      const scan = buildScanner(attrs)
      const writeKeys = keyer(attrs)
      const bits = Math.ceil(Math.log2(result(attrs).width)) + 1
      let keys = new Int32Array(0)
      let spare = new Int32Array(0)
      return ([from], out, rows) => {
        const to = out.sparse!
        to.begin(rows)
        for (let r = 0; r < rows; r++) {
          const tokens = scan(from!.cells[r])
          keys = storageFor(keys, tokens.spans.count)
          spare = storageFor(spare, tokens.spans.count)
          const count = writeKeys(tokens, keys)
          pushCounts(sortKeys(keys, spare, count, bits), count, to, attrs.binary)
        }
      }
    },
  })
}

/** A token's column, and whether it counts −1, as one number. */
const keyOf = (column: number, isNegative: boolean): number => (column << 1) | (isNegative ? 1 : 0)

/** Adds up sorted keys as a row. Columns that tokens had stay, if their sum is 0. */
function pushCounts(keys: Int32Array, count: number, to: SparseRows, binary: boolean): void {
  let at = to.reserve(count)
  const { columns, values } = to
  for (let i = 0; i < count; ) {
    const column = keys[i]! >> 1
    let sum = 0
    for (; i < count && keys[i]! >> 1 === column; i++) sum += (keys[i]! & 1) === 0 ? 1 : -1
    columns[at] = column
    values[at++] = binary ? 1 : sum
  }
  to.endRow(at)
}

type CountAttrs = AnalyserAttrs & {
  /** The token of every column. */
  vocabulary: readonly string[]
  binary: boolean
  /** Counts are float32. */
  single: boolean
}

/** How often every token of a vocabulary is in a text, or whether it is. */
export const countTokens = tokenOp<CountAttrs>({
  name: 'count-tokens',
  result({ vocabulary, single }) {
    expectTallyWidth('count-tokens', vocabulary.length)
    if (
      new Set(vocabulary).size !== vocabulary.length ||
      !vocabulary.every((term) => typeof term === 'string')
    )
      throw new RangeError('count-tokens: expects distinct texts')
    return sparse(vocabulary.length, single ? 'f32' : 'f64')
  },
  placer({ vocabulary }) {
    const columns = new Map(vocabulary.map((term, column) => [term, column]))
    return (token, place) => {
      place.column = columns.get(token) ?? -1
      place.value = 1
    }
  },
  keyer({ vocabulary }) {
    const columnsOf = indexVocabulary(vocabulary)
    return (tokens, keys) => {
      const columns = columnsOf(tokens)
      let count = 0
      for (let i = 0; i < tokens.spans.count; i++)
        if (columns[i] !== -1) keys[count++] = keyOf(columns[i]!, false)
      return count
    }
  },
})

type HashAttrs = AnalyserAttrs & {
  width: number
  /** Half of the tokens count −1. */
  alternate: boolean
  binary: boolean
}

/** The same in columns that the tokens' hashes choose. */
export const hashTokens = tokenOp<HashAttrs>({
  name: 'hash-tokens',
  result({ width }) {
    expectTallyWidth('hash-tokens', width)
    return sparse(width)
  },
  placer:
    ({ width, alternate }) =>
    (token, place) =>
      placeByHash(token, { width, alternate }, place),
  keyer:
    ({ width, alternate }) =>
    ({ codes, spans: { starts, ends, count } }, keys) => {
      for (let i = 0; i < count; i++) {
        const hash = murmurOf(codes, starts[i]!, ends[i]!)
        keys[i] = keyOf(hashColumn(hash, width), alternate && hash < 0)
      }
      return count
    },
})
