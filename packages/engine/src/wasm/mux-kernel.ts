import { Code, encodeModule, F64, I32, type Local } from './encoder.ts'

/**
 * The batch kernel of small trees: sixteen rows in a vector of bytes walk *all* paths of a tree at once. A feature is
 * its rank among the thresholds that the forest compares it with, so a comparison is one of bytes, and it picks, byte
 * by byte, between what the left and the right subtree answer:
 *   leaf(node) = left > rank ? leaf(left) : leaf(right)      left = 1 + place of the threshold, counted from −128
 * Nothing is loaded by data but, at the end, the leaf's value. The trees are code; constants are bytes in memory.
 *
 * Ranks of sixteen rows lie side by side: ranks[block][feature][missing left, missing right][16]. They differ for NaN:
 * as it goes left NaN ranks below all thresholds, as it goes right above.
 * Sums lie as sums[output][row], so that the trees of one output go through a row's sum without storing it.
 */
export const BLOCK_ROWS = 16
/** Blocks that ranks and sums are kept for: a group of trees runs over them before the next, whose code is cold. */
export const MAX_BLOCKS = 16
export const MAX_ROWS = BLOCK_ROWS * MAX_BLOCKS
/** Bytes of one feature of a block: its ranks with NaN on the left, and on the right. */
export const RANK_BYTES = 2 * BLOCK_ROWS
/** Ranks and places are stored from −128. */
export const BIAS = 128

/** A tree to emit. Leaves are numbered from 0, left to right. */
export type MuxNode =
  | { readonly leaf: number }
  | {
      /** Byte offset of the ranks it reads in those of a block. */
      readonly ranks: number
      /** 1 + place of its threshold. */
      readonly place: number
      readonly left: MuxNode
      readonly right: MuxNode
    }

export type MuxTree = {
  readonly root: MuxNode
  readonly output: number
  /** Address of the values of its leaves. */
  readonly values: number
}

/** Where things lie in memory. */
type MuxAddresses = {
  /** A block of rows. */
  readonly raw: number
  /** Per feature, its byte offset in a row. */
  readonly table: number
  /** Per feature, what it is compared with. */
  readonly thresholds: number
  /** Per tree of a group, a vector. */
  readonly leaves: number
  /** A byte for each constant −128 … 127 in order. */
  readonly bytes: number
}

export type MuxShape = {
  readonly cast: 'f32' | 'f64'
  readonly compare: 'le' | 'lt'
  /** Thresholds of a feature are searched in a table of 2^steps − 1, those missing being NaN. */
  readonly steps: number
  readonly features: number
  /** Every sum is rounded to float32, in float64 storage. */
  readonly single: boolean
  /** Bytes from a row to the next. */
  readonly stride: number
  readonly addresses: MuxAddresses
}

/** Ranks a block of rows. */
export type MuxRank = (ranks: number) => void

/** Adds trees, in their order, to the sums of `blocks` blocks. */
export type MuxAdd = (ranks: number, sums: number, blocks: number) => void

export const compileRank = (shape: MuxShape, memory: WebAssembly.Memory): MuxRank =>
  instantiate(rankFunction(shape), memory) as MuxRank

/** The leaves of a group of trees are all found before their values are added. */
export const compileAdd = (
  shape: MuxShape,
  groups: readonly (readonly MuxTree[])[],
  memory: WebAssembly.Memory,
): MuxAdd => instantiate(addFunction(shape, groups), memory) as MuxAdd

function instantiate(run: Code, memory: WebAssembly.Memory): unknown {
  const module = new WebAssembly.Module(encodeModule({ run }))
  return new WebAssembly.Instance(module, { env: { memory } }).exports.run
}

/** Rows whose searches go on side by side, so that one waits for memory while the others compare. */
const SEARCHES = 4

function rankFunction({ cast, compare, steps, features, stride, addresses }: MuxShape): Code {
  const code = new Code([I32])
  const ranks = 0
  const [feature, at, group] = code.locals(3, I32) as [Local, Local, Local]
  const [table, thresholds] = code.locals(2, I32) as [Local, Local]
  const values = code.locals(SEARCHES, F64)
  const places = code.locals(SEARCHES, I32)
  code.i32(addresses.table).set(table).i32(addresses.thresholds).set(thresholds)
  code.i32(features).set(feature)
  code.repeat(() => {
    code.get(table).at('i32.load').i32(addresses.raw).op('i32.add').set(at)
    code.i32(BLOCK_ROWS / SEARCHES).set(group)
    code.repeat(() => {
      for (const value of values) {
        code.get(at).at('f64.load')
        if (cast === 'f32') code.op('f32.demote_f64', 'f64.promote_f32')
        code.set(value).advance(at, stride)
      }
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
      code.get(group).i32(1).op('i32.sub').tee(group)
    })
    code
      .advance(ranks, RANK_BYTES - BLOCK_ROWS)
      .advance(table, 4)
      .advance(thresholds, 2 ** steps * 8)
    code.get(feature).i32(1).op('i32.sub').tee(feature)
  })
  return code
}

function addFunction(shape: MuxShape, groups: readonly (readonly MuxTree[])[]): Code {
  const code = new Code([I32, I32, I32])
  const [ranks, sums, blocks] = [0, 1, 2] as const
  const [ranksAt, sumsAt, left, row] = code.locals(4, I32) as [Local, Local, Local, Local]
  for (const group of groups) {
    code.get(ranks).set(ranksAt).get(sums).set(sumsAt).get(blocks).set(left)
    code.repeat(() => {
      group.forEach((tree, i) => {
        code.i32(0)
        emitLeaf({ code, shape, ranks: ranksAt }, tree.root)
        code.at('v128.store', shape.addresses.leaves + i * BLOCK_ROWS)
      })
      code.i32(0).set(row)
      code.repeat(() => {
        for (const output of new Set(group.map((tree) => tree.output))) {
          const offset = output * MAX_ROWS * 8
          code.get(sumsAt).get(sumsAt).at('f64.load', offset)
          group.forEach((tree, i) => {
            if (tree.output !== output) return
            code.get(row).at('i32.load8_u', shape.addresses.leaves + i * BLOCK_ROWS)
            code.i32(3).op('i32.shl').at('f64.load', tree.values).op('f64.add')
            if (shape.single) code.op('f32.demote_f64', 'f64.promote_f32')
          })
          code.at('f64.store', offset)
        }
        code.advance(sumsAt, 8)
        code.get(row).i32(1).op('i32.add').tee(row).i32(BLOCK_ROWS).op('i32.lt_u')
      })
      code.advance(ranksAt, shape.features * RANK_BYTES)
      code.get(left).i32(1).op('i32.sub').tee(left)
    })
  }
  return code
}

type Inner = Exclude<MuxNode, { leaf: number }>
type Emitting = { readonly code: Code; readonly shape: MuxShape; readonly ranks: Local }

/** Leaves the numbers of the rows' leaves on the stack. */
function emitLeaf(to: Emitting, node: MuxNode): void {
  const levels = levelsOf(node)
  if (levels !== undefined) {
    emitLevels(to, node, levels)
    return
  }
  const { left, right } = node as Inner
  emitLeaf(to, left)
  emitLeaf(to, right)
  emitIsLeft(to, node as Inner)
  to.code.op('v128.bitselect')
}

/** Which leaf of a tree that compares the same on all nodes of a level: every comparison decides a bit of its number. */
function emitLevels(to: Emitting, root: MuxNode, levels: readonly Inner[]): void {
  emitConstant(to, lastLeafOf(root))
  for (const [level, node] of levels.entries()) {
    emitIsLeft(to, node)
    const below = 2 ** (levels.length - 1 - level)
    if (below > 1) {
      emitConstant(to, -below)
      to.code.op('v128.and')
    }
    to.code.op('i8x16.add')
  }
}

/** A vector of −1 where the rows go left, else 0. */
function emitIsLeft(to: Emitting, { place, ranks }: Inner): void {
  emitConstant(to, place - BIAS)
  to.code.get(to.ranks).at('v128.load', ranks).op('i8x16.gt_s')
}

const emitConstant = ({ code, shape }: Emitting, value: number): Code =>
  code.i32(0).at('v128.load8_splat', shape.addresses.bytes + value + BIAS)

/** A node of each level when all of a level compare the same: none for a leaf, one for a pair of leaves. */
function levelsOf(node: MuxNode): readonly Inner[] | undefined {
  if ('leaf' in node) return []
  const [left, right] = [levelsOf(node.left), levelsOf(node.right)]
  if (left === undefined || left.length !== right?.length) return undefined
  const isEven = left.every(({ ranks, place }, i) => ranks === right[i]!.ranks && place === right[i]!.place)
  return isEven ? [node, ...left] : undefined
}

const lastLeafOf = (node: MuxNode): number => ('leaf' in node ? node.leaf : lastLeafOf(node.right))
