import { Code, compileModule, F64, I32, type Local } from './encoder.ts'
import { BIAS, BLOCK_ROWS, CATEGORIES, type MuxShape, RANK_BYTES } from './mux-kernel.ts'

/** Ranks a block of rows: writes what the trees' code reads of every feature. */
export type MuxRank = (ranks: number) => void

export const compileRank = (shape: MuxShape): WebAssembly.Module =>
  compileModule({ run: rankFunction(shape) }, 'own')

/** Rows whose searches go on side by side, so that one waits for memory while the others compare. */
const SEARCHES = 4

function rankFunction(shape: MuxShape): Code {
  const code = new Code([I32])
  const ranking: Ranking = {
    code,
    shape,
    ranks: 0,
    table: code.local(I32),
    feature: code.local(I32),
    at: code.local(I32),
    left: code.local(I32),
  }
  code.i32(shape.addresses.table).set(ranking.table)
  if (shape.numeric > 0) rankNumbers(ranking)
  if (shape.categorical > 0) classify(ranking)
  return code
}

type Ranking = {
  readonly code: Code
  readonly shape: MuxShape
  readonly ranks: Local
  /** The table of features, where the next one is. */
  readonly table: Local
  /** Features and rows still to come. */
  readonly feature: Local
  readonly left: Local
  /** Address of a value. */
  readonly at: Local
}

/** Repeats `body` for `count` features, with `at` at the value of the first row. */
function eachFeature({ code, shape, table, feature, at }: Ranking, count: number, body: () => void): void {
  code.i32(count).set(feature)
  code.repeat(() => {
    code.get(table).at('i32.load').i32(shape.addresses.raw).op('i32.add').set(at)
    body()
    code.advance(table, 4)
    code.get(feature).i32(1).op('i32.sub').tee(feature)
  })
}

/** value = what is at `at`, which goes on to the next row */
function loadValue({ code, shape, at }: Ranking, value: Local): void {
  code.get(at).at('f64.load')
  if (shape.cast === 'f32') code.op('f32.demote_f64', 'f64.promote_f32')
  code.set(value).advance(at, shape.stride)
}

function rankNumbers(ranking: Ranking): void {
  const { code, shape, ranks, left } = ranking
  const { compare, steps, addresses } = shape
  const thresholds = code.local(I32)
  const values = code.locals(SEARCHES, F64)
  const places = code.locals(SEARCHES, I32)
  code.i32(addresses.thresholds).set(thresholds)
  eachFeature(ranking, shape.numeric, () => {
    code.i32(BLOCK_ROWS / SEARCHES).set(left)
    code.repeat(() => {
      for (const value of values) loadValue(ranking, value)
      for (const place of places) code.get(thresholds).set(place)
      for (let step = steps - 1; step >= 0; step--)
        places.forEach((place, i) => {
          code.get(place).get(values[i]!).get(place)
          code.at('f64.load', (2 ** step - 1) * 8).op(compare === 'le' ? 'f64.gt' : 'f64.ge')
          code
            .i32(step + 3)
            .op('i32.shl', 'i32.add')
            .set(place)
        })
      places.forEach((place, i) => {
        code
          .get(place)
          .get(thresholds)
          .op('i32.sub')
          .i32(3)
          .op('i32.shr_u')
          .i32(BIAS)
          .op('i32.sub')
          .set(place)
        code.get(ranks).get(place).at('i32.store8', i)
        code
          .get(ranks)
          .i32(BIAS - 1)
          .get(place)
          .get(values[i]!)
          .get(values[i]!)
          .op('f64.ne', 'select')
        code.at('i32.store8', i + BLOCK_ROWS)
      })
      code.advance(ranks, SEARCHES)
      code.get(left).i32(1).op('i32.sub').tee(left)
    })
    code.advance(ranks, RANK_BYTES - BLOCK_ROWS).advance(thresholds, 2 ** steps * 8)
  })
}

/** As `trees` looks categories up: by their low byte, 0 beyond 2³¹, negative ones and NaN being missing. */
function classify(ranking: Ranking): void {
  const { code, shape, ranks, left } = ranking
  const [classes, found] = code.locals(2, I32) as [Local, Local]
  const value = code.local(F64)
  code.i32(shape.addresses.classes).set(classes)
  eachFeature(ranking, shape.categorical, () => {
    code.i32(BLOCK_ROWS).set(left)
    code.repeat(() => {
      loadValue(ranking, value)
      code.get(value).op('i32.trunc_sat_f64_s').i32(255).op('i32.and')
      code.i32(0)
      code
        .get(value)
        .f64(2 ** 31)
        .op('f64.lt', 'select')
      code.i32(CATEGORIES - 1)
      code.get(value).f64(0).op('f64.ge', 'select')
      code.get(classes).op('i32.add').set(found)
      code.get(ranks).get(found).at('i32.load8_u').at('i32.store8')
      code.get(ranks).get(found).at('i32.load8_u', CATEGORIES).at('i32.store8', BLOCK_ROWS)
      code.advance(ranks, 1)
      code.get(left).i32(1).op('i32.sub').tee(left)
    })
    code.advance(ranks, RANK_BYTES - BLOCK_ROWS).advance(classes, 2 * CATEGORIES)
  })
}
