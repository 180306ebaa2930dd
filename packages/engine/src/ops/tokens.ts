import type { Attrs, Cell, ValueType } from '../ir/program.ts'
import { type Analyser, type AnalyserAttrs, buildAnalyser } from '../text/analyser.ts'
import { indexVocabulary } from '../text/vocabulary.ts'
import { type Place, placeByHash } from './hashed-place.ts'
import { defineOp, type Op, sparse } from './op.ts'
import { expectTallyWidth, sparseRowOf, Tally } from './tally.ts'

type Placer = (token: string, place: Place) => void
/** The same for text[start, end), without cutting it out where that can be spared. */
type SlicePlacer = (text: string, start: number, end: number, place: Place) => void

type TokenRule<A extends Attrs> = {
  readonly name: string
  /** Type of the result. @throws RangeError for attributes that do not fit */
  result(attrs: A): ValueType
  /** Where each token counts; prepared once. */
  placer(attrs: A): Placer
  slicePlacer?(attrs: A): SlicePlacer
}

/** What the meaning of an operation needs beside its attributes, built once for each. */
type Prepared = { readonly analyse: Analyser; readonly place: Placer }

/** An operation from one text to the tokens counted in it. */
function tokenOp<A extends AnalyserAttrs & { binary: boolean }>({
  name,
  result,
  placer,
  slicePlacer,
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
      analyse(x![0], (text, start, end) => {
        const at = { column: -1, value: 0 }
        place(text.slice(start, end), at)
        if (at.column >= 0) sums.set(at.column, (sums.get(at.column) ?? 0) + at.value)
      })
      return sparseRowOf(sums, attrs.binary)
    },
    block(attrs) {
      const analyse = buildAnalyser(attrs)
      const place = slicePlacer?.(attrs) ?? cutting(placer(attrs))
      const tally = new Tally(result(attrs).width)
      const at: Place = { column: -1, value: 0 }
      const count = (text: string, start: number, end: number): void => {
        place(text, start, end, at)
        if (at.column >= 0) tally.add(at.column, at.value)
      }
      return ([from], out, rows) => {
        const to = out.sparse!
        to.begin(rows)
        tally.clear()
        for (let r = 0; r < rows; r++) {
          analyse(from!.cells[r] as Cell, count)
          tally.moveTo(to, attrs.binary)
        }
      }
    },
  })
}

const cutting =
  (place: Placer): SlicePlacer =>
  (text, start, end, at) =>
    place(text.slice(start, end), at)

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
  slicePlacer({ vocabulary }) {
    const columnOf = indexVocabulary(vocabulary)
    return (text, start, end, place) => {
      place.column = columnOf(text, start, end)
      place.value = 1
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
})
