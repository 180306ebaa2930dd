import { Code, compileModule, F64, I32, type Local, type MemoryKind, V128 } from './encoder.ts'

/**
 * The tree kernel: walks eight chains at once without a branch on data, so that the loads of one chain hide behind the
 * others'. In `rows` the chains are eight rows on one tree, in `row` eight trees on one row.
 *
 * Nodes of a tree lie in memory with siblings side by side. A step of a chain at address a is
 *   a += delta + (x[feature] ≤ bound) · nodeBytes
 * Numbers are compared as integers in the same order, which is cheaper: `orderedBits32` of a float32 or `orderedBits64`
 * of a float64, NaN being the largest. So NaN goes to the first sibling, which is the right one, or the left one where
 * the node reads the negated feature. A leaf has delta 0 and a bound below all numbers: it stays where it is, and the
 * low bits of its bound say where its values are.
 *
 *   narrow  8 bytes   int32 bound, uint32 delta·2^featureBits + feature offset
 *   wide    16 bytes  int64 bound, uint32 delta, uint32 feature offset
 *   sets    32 bytes  as wide, then uint32 address of a set of 512 bits that the feature's low word is looked up in;
 *                     numbers look into an empty set, and categories are above every bound
 *
 * Features of eight rows lie side by side: x[octet][column][8]. A single row uses lane 0. `prepare` makes them from
 * features as float32 (narrow) or float64 that lie in the same way; a column is 32 bytes of a table: uint32 offset of
 * its feature in an octet, and at 16 what its sign is flipped with.
 * A tree is 16 bytes of a table: uint32 address of its root, steps to its deepest leaf, byte offset of its slot in a
 * row of sums, and (first of each eight) steps to the deepest leaf of its eight.
 */
export const LANES = 8
export const TREE_BYTES = 16
export const COLUMN_BYTES = 32
/** Bits of a narrow leaf's bound that hold the index of its first value. All set, it would be the bits of −∞. */
export const NARROW_PAYLOAD = 2 ** 23 - 1
export const SET_BYTES = 64

export type NodeForm = 'narrow' | 'wide' | 'sets'
export const NODE_BYTES: Record<NodeForm, number> = { narrow: 8, wide: 16, sets: 32 }

export type KernelShape = {
  readonly form: NodeForm
  /** Low bits of a narrow node that hold the byte offset of its feature. */
  readonly featureBits: number
  /** Float64 values of a leaf. */
  readonly leafWidth: number
  /** Float64 sums of a row. */
  readonly width: number
  /** Every sum is rounded to float32, in float64 storage. */
  readonly single: boolean
  /** Stop when all eight chains are at leaves, for trees of uneven depth; else walk to the deepest leaf. */
  readonly early: boolean
}

/** Functions of the module; arguments are byte addresses, all multiples of 8. */
export type TreeKernel = {
  /** Makes x of `octets` × 8 rows from their raw features; `columns` to `columnsEnd` are the table of columns. */
  prepare(raw: number, x: number, columns: number, columnsEnd: number, octets: number, rawBytes: number): void
  /** The same for the first row alone. */
  prepareRow(raw: number, x: number, columns: number, columnsEnd: number): void
  /** Adds the trees [table, tableEnd) to the sums of `octets` × 8 rows. */
  rows(
    x: number,
    sums: number,
    values: number,
    table: number,
    tableEnd: number,
    octets: number,
    octetBytes: number,
  ): void
  /** Adds the trees [table, tableEnd), a multiple of eight, to the sums of one row. */
  row(x: number, sums: number, values: number, table: number, tableEnd: number): void
}

const modules = new Map<string, WebAssembly.Module>()

/** The kernel for a shape; models of one shape share it. */
export function compileTreeKernel(shape: KernelShape, memory: MemoryKind): WebAssembly.Module {
  const key = [memory, ...Object.values(shape)].join()
  const found = modules.get(key)
  if (found !== undefined) return found
  const functions = {
    prepare: prepareFunction(shape),
    prepareRow: prepareRowFunction(shape),
    rows: rowsFunction(shape),
    row: rowFunction(shape),
  }
  const module = compileModule(functions, memory)
  modules.set(key, module)
  return module
}

/** Leaf rows up to this many values are added by straight code. */
const UNROLLED = 16
/** Sums up to this many are kept in registers while a single row is summed. */
const IN_REGISTERS = 4
/** Levels walked between two looks at whether all chains have arrived. */
const LEVELS_PER_LOOK = 2

type Walk = {
  readonly code: Code
  readonly shape: KernelShape
  readonly nodes: readonly Local[]
  readonly scratch: Local
  readonly delta: Local
  /** Union of the deltas of a level: zero when all chains are at leaves. */
  readonly moved: Local
  readonly depth: Local
}

const walkOf = (code: Code, shape: KernelShape): Walk => ({
  code,
  shape,
  nodes: code.locals(LANES, I32),
  scratch: code.local(I32),
  delta: code.local(I32),
  moved: code.local(I32),
  depth: code.local(I32),
})

/** Bytes of a column of an octet. */
export const laneBytes = (form: NodeForm): number => LANES * (form === 'narrow' ? 4 : 8)

function prepareFunction({ form }: KernelShape): Code {
  const code = new Code([I32, I32, I32, I32, I32, I32])
  const [raw, x, columns, columnsEnd, octets, rawBytes] = [0, 1, 2, 3, 4, 5] as const
  const column = code.local(I32)
  const convert = columnConverter(code, form)
  code.repeat(() => {
    code.get(columns).set(column)
    convert({ raw, x, column, columnsEnd }, laneBytes(form))
    code.get(raw).get(rawBytes).op('i32.add').set(raw)
    code.get(octets).i32(1).op('i32.sub').tee(octets)
  })
  return code
}

function prepareRowFunction({ form }: KernelShape): Code {
  const code = new Code([I32, I32, I32, I32])
  const [raw, x, column, columnsEnd] = [0, 1, 2, 3] as const
  columnConverter(code, form)({ raw, x, column, columnsEnd }, VECTOR_BYTES)
  return code
}

const VECTOR_BYTES = 16

type Converted = {
  readonly raw: Local
  readonly x: Local
  readonly column: Local
  readonly columnsEnd: Local
}

/** Emits a loop over columns that makes the first bytes of each. */
function columnConverter(code: Code, form: NodeForm): (of: Converted, bytes: number) => void {
  const feature = code.local(I32)
  const [largest, vector] = code.locals(2, V128) as [Local, Local]
  const single = form === 'narrow'
  code.v128(largestBits(single ? 4 : 8)).set(largest)
  return ({ raw, x, column, columnsEnd }, bytes) => {
    code.repeat(() => {
      code.get(raw).get(column).at('i32.load').op('i32.add').set(feature)
      for (let offset = 0; offset < bytes; offset += VECTOR_BYTES) {
        // As an integer −0 is just below 0, where no bound is: bounds are made of 0.
        code.get(x).get(feature).at('v128.load', offset).get(column).at('v128.load', 16).op('v128.xor')
        code.set(vector).get(largest).get(vector)
        code
          .get(vector)
          .i32(single ? 31 : 63)
          .op(single ? 'i32x4.shr_s' : 'i64x2.shr_s')
        code.get(largest).op('v128.and', 'v128.xor')
        code
          .get(vector)
          .get(vector)
          .op(single ? 'f32x4.ne' : 'f64x2.ne', 'v128.bitselect')
        code.at('v128.store', offset)
      }
      code.advance(x, laneBytes(form)).advance(column, COLUMN_BYTES)
      code.get(column).get(columnsEnd).op('i32.lt_u')
    })
  }
}

/** The largest signed integer of `size` bytes, throughout a vector. */
const largestBits = (size: number): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => (i % size === size - 1 ? 0x7f : 0xff))

function rowsFunction(shape: KernelShape): Code {
  const code = new Code([I32, I32, I32, I32, I32, I32, I32])
  const [x, sums, values, table, tableEnd, octets, octetBytes] = [0, 1, 2, 3, 4, 5, 6] as const
  const [root, xAt, sumsAt, left] = code.locals(4, I32) as [Local, Local, Local, Local]
  const walk = walkOf(code, shape)
  const leaf = leafAdder(code, shape)
  code.repeat(() => {
    code.get(table).at('i32.load').set(root)
    code.get(sums).get(table).at('i32.load', 8).op('i32.add').set(sumsAt)
    code.get(x).set(xAt).get(octets).set(left)
    code.repeat(() => {
      for (const node of walk.nodes) code.get(root).set(node)
      code.get(table).at('i32.load', 4).set(walk.depth)
      descend(walk, (lane) => ({ x: xAt, lane }))
      walk.nodes.forEach((node, lane) => {
        leafAddress(walk, node, values)
        leaf(sumsAt, lane * shape.width * 8, walk.scratch)
      })
      code.get(xAt).get(octetBytes).op('i32.add').set(xAt)
      code.advance(sumsAt, LANES * shape.width * 8)
      code.get(left).i32(1).op('i32.sub').tee(left)
    })
    code.advance(table, TREE_BYTES).get(table).get(tableEnd).op('i32.lt_u')
  })
  return code
}

function rowFunction(shape: KernelShape): Code {
  const code = new Code([I32, I32, I32, I32, I32])
  const [x, sums, values, table, tableEnd] = [0, 1, 2, 3, 4] as const
  const walk = walkOf(code, shape)
  const { leafWidth, width } = shape
  const kept = width === leafWidth && width <= IN_REGISTERS ? code.locals(width, F64) : undefined
  const leaf = leafAdder(code, shape)
  const sumsAt = code.local(I32)
  kept?.forEach((sum, i) => {
    code
      .get(sums)
      .at('f64.load', i * 8)
      .set(sum)
  })
  code.repeat(() => {
    walk.nodes.forEach((node, i) => {
      code
        .get(table)
        .at('i32.load', i * TREE_BYTES)
        .set(node)
    })
    code.get(table).at('i32.load', 12).set(walk.depth)
    descend(walk, () => ({ x, lane: 0 }))
    walk.nodes.forEach((node, i) => {
      leafAddress(walk, node, values)
      kept?.forEach((sum, j) => {
        code
          .get(sum)
          .get(walk.scratch)
          .at('f64.load', j * 8)
        addOne(code, shape).set(sum)
      })
      if (kept !== undefined) return
      code
        .get(sums)
        .get(table)
        .at('i32.load', i * TREE_BYTES + 8)
        .op('i32.add')
        .set(sumsAt)
      leaf(sumsAt, 0, walk.scratch)
    })
    code
      .advance(table, LANES * TREE_BYTES)
      .get(table)
      .get(tableEnd)
      .op('i32.lt_u')
  })
  kept?.forEach((sum, i) => {
    code
      .get(sums)
      .get(sum)
      .at('f64.store', i * 8)
  })
  return code
}

type Feature = { readonly x: Local; readonly lane: number }

/** All chains down to their leaves. */
function descend(walk: Walk, feature: (chain: number) => Feature): void {
  const { code, nodes, depth, moved } = walk
  const level = (watched: boolean) =>
    nodes.forEach((node, i) => {
      step(walk, node, feature(i), watched)
    })
  code.repeat(() => {
    if (!walk.shape.early) {
      level(false)
      code.get(depth).i32(1).op('i32.sub').tee(depth)
      return
    }
    for (let i = 1; i < LEVELS_PER_LOOK; i++) level(false)
    code.i32(0).set(moved)
    level(true)
    code.get(moved)
  })
}

/** node += delta + (x ≤ bound) · nodeBytes */
function step(walk: Walk, node: Local, { x, lane }: Feature, watched: boolean): void {
  const { code, shape, scratch, delta, moved } = walk
  const narrow = shape.form === 'narrow'
  code.get(node).get(node)
  if (narrow) code.at('i32.load', 4).tee(scratch).i32(shape.featureBits).op('i32.shr_u')
  else code.at('i32.load', 8)
  if (watched) code.tee(delta).get(moved).get(delta).op('i32.or').set(moved)
  code.op('i32.add').get(x)
  if (narrow) {
    const mask = 2 ** shape.featureBits - 1
    code
      .get(scratch)
      .i32(mask)
      .op('i32.and', 'i32.add')
      .at('i32.load', lane * 4)
    code.get(node).at('i32.load').op('i32.le_s')
  } else {
    code
      .get(node)
      .at('i32.load', 12)
      .op('i32.add')
      .tee(scratch)
      .at('i64.load', lane * 8)
    code.get(node).at('i64.load').op('i64.le_s')
    if (shape.form === 'sets') member(code, node, scratch, lane)
  }
  code.i32(Math.log2(NODE_BYTES[shape.form])).op('i32.shl', 'i32.add').set(node)
}

/** … | bit of the node's set that the low word of the feature at `feature` names */
function member(code: Code, node: Local, feature: Local, lane: number): void {
  code
    .get(feature)
    .at('i32.load', lane * 8)
    .set(feature)
  code.get(node).at('i32.load', 16)
  code
    .get(feature)
    .i32(3)
    .op('i32.shr_u')
    .i32(SET_BYTES - 4)
    .op('i32.and', 'i32.add')
    .at('i32.load')
  code.get(feature).op('i32.shr_u').i32(1).op('i32.and', 'i32.or')
}

/** scratch = address of the values of the leaf at `node` */
function leafAddress({ code, shape, scratch }: Walk, node: Local, values: Local): void {
  code.get(node).at('i32.load')
  if (shape.form === 'narrow') code.i32(NARROW_PAYLOAD).op('i32.and')
  code.i32(3).op('i32.shl').get(values).op('i32.add').set(scratch)
}

/** Sum of the two numbers on the stack. The float64 sum of two float32 numbers, rounded, is their float32 sum. */
const addOne = (code: Code, { single }: KernelShape): Code =>
  single ? code.op('f64.add', 'f32.demote_f64', 'f64.promote_f32') : code.op('f64.add')

/** Emits sums[i] += values[i] over a leaf row, two float64 at a time. `values` may be changed. */
function leafAdder(code: Code, shape: KernelShape): (sums: Local, offset: number, values: Local) => void {
  const { leafWidth } = shape
  const pairs = Math.floor(leafWidth / 2)
  const addPair = (sums: Local, sumOffset: number, values: Local, offset: number) => {
    code.get(sums).get(sums).at('v128.load', sumOffset)
    code.get(values).at('v128.load', offset).op('f64x2.add')
    if (shape.single) code.op('f32x4.demote_f64x2_zero', 'f64x2.promote_low_f32x4')
    code.at('v128.store', sumOffset)
  }
  const addLast = (sums: Local, sumOffset: number, values: Local, offset: number) => {
    code.get(sums).get(sums).at('f64.load', sumOffset)
    code.get(values).at('f64.load', offset)
    addOne(code, shape).at('f64.store', sumOffset)
  }
  if (leafWidth <= UNROLLED)
    return (sums, offset, values) => {
      for (let i = 0; i < pairs; i++) addPair(sums, offset + i * 16, values, i * 16)
      if (leafWidth % 2 === 1) addLast(sums, offset + pairs * 16, values, pairs * 16)
    }
  const [to, left] = code.locals(2, I32) as [Local, Local]
  return (sums, offset, values) => {
    code.get(sums).set(to).i32(pairs).set(left)
    code.repeat(() => {
      addPair(to, offset, values, 0)
      code.advance(to, 16).advance(values, 16)
      code.get(left).i32(1).op('i32.sub').tee(left)
    })
    if (leafWidth % 2 === 1) addLast(to, offset, values, 0)
  }
}
