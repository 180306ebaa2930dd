import { Code, compileModule, I32, type Local } from './encoder.ts'

/**
 * The batch kernel of small trees: sixteen rows in a vector of bytes walk *all* paths of a tree at once. A feature is
 * its rank among the thresholds that the forest compares it with, so a comparison is one of bytes, and it picks, byte
 * by byte, between what the left and the right subtree answer:
 *   leaf(node) = left > rank ? leaf(left) : leaf(right)      left = 1 + place of the threshold, counted from −128
 * Nothing is loaded by data but, at the end, the leaf's value. The trees are code; constants are bytes in memory.
 *
 * Ranks of sixteen rows lie side by side: ranks[block][feature][missing left, missing right][16]. They differ for NaN:
 * as it goes left NaN ranks below all thresholds, as it goes right above.
 *
 * Categories that every set of the forest treats alike are one class, and what is missing is one category more. A set
 * is a vector that the class picks a byte of: of up to 16 classes, −1 for what goes left; of more, the bits of eight
 * classes, and further vectors for those beyond 128. Where a number has ranks a class has the byte to pick, and its bit.
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

/** A category is 0–255, or missing. */
export const CATEGORIES = 257
/** Classes whose sets have a byte for each. */
export const BYTE_CLASSES = 16
/** Classes whose bits a vector holds. */
export const BIT_CLASSES = 8 * BLOCK_ROWS

/** What a node asks of sixteen rows; `ranks` is the byte offset of what it reads in the ranks of a block. */
export type MuxTest =
  | {
      readonly ranks: number
      /** 1 + place of its threshold. */
      readonly place: number
    }
  | {
      readonly ranks: number
      /** Address of its set. */
      readonly set: number
      readonly classes: number
    }

/** A tree to emit. Leaves are numbered from 0, left to right. */
export type MuxNode =
  | { readonly leaf: number }
  | { readonly test: MuxTest; readonly left: MuxNode; readonly right: MuxNode }

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
  /** Per feature, its byte offset in a row: those compared, then those of categories. */
  readonly table: number
  /** Per feature, what it is compared with. */
  readonly thresholds: number
  /** Per category feature, of every category the byte to pick, then of every category its bit. */
  readonly classes: number
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
  /** Features that are compared with thresholds, and those looked up in sets. */
  readonly numeric: number
  readonly categorical: number
  /** Every sum is rounded to float32, in float64 storage. */
  readonly single: boolean
  /** Bytes from a row to the next. */
  readonly stride: number
  readonly addresses: MuxAddresses
}

/** Adds trees, in their order, to the sums of `blocks` blocks. */
export type MuxAdd = (ranks: number, sums: number, blocks: number) => void

/** The leaves of a group of trees are all found before their values are added. */
export const compileAdd = (shape: MuxShape, groups: readonly (readonly MuxTree[])[]): WebAssembly.Module =>
  compileModule({ run: addFunction(shape, groups) }, 'own')

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
      code.advance(ranksAt, (shape.numeric + shape.categorical) * RANK_BYTES)
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
  emitIsLeft(to, (node as Inner).test)
  to.code.op('v128.bitselect')
}

/** Which leaf of a tree that compares the same on all nodes of a level: every comparison decides a bit of its number. */
function emitLevels(to: Emitting, root: MuxNode, levels: readonly MuxTest[]): void {
  emitConstant(to, lastLeafOf(root))
  for (const [level, test] of levels.entries()) {
    emitIsLeft(to, test)
    const below = 2 ** (levels.length - 1 - level)
    if (below > 1) {
      emitConstant(to, -below)
      to.code.op('v128.and')
    }
    to.code.op('i8x16.add')
  }
}

/** A vector of −1 where the rows go left, else 0. */
function emitIsLeft(to: Emitting, test: MuxTest): void {
  if ('set' in test) emitIsMember(to, test)
  else {
    emitConstant(to, test.place - BIAS)
    to.code.get(to.ranks).at('v128.load', test.ranks).op('i8x16.gt_s')
  }
}

function emitIsMember(to: Emitting, { ranks, set, classes }: Extract<MuxTest, { set: number }>): void {
  const { code } = to
  for (let vector = 0; vector * BIT_CLASSES < classes; vector++) {
    code.i32(0).at('v128.load', set + vector * BLOCK_ROWS)
    code.get(to.ranks).at('v128.load', ranks)
    if (vector > 0) {
      emitConstant(to, -vector * BLOCK_ROWS)
      code.op('i8x16.add')
    }
    code.op('i8x16.swizzle')
    if (vector > 0) code.op('v128.or')
  }
  if (classes <= BYTE_CLASSES) return
  const bits = ranks + BLOCK_ROWS
  code.get(to.ranks).at('v128.load', bits).op('v128.and').get(to.ranks).at('v128.load', bits).op('i8x16.eq')
}

const emitConstant = ({ code, shape }: Emitting, value: number): Code =>
  code.i32(0).at('v128.load8_splat', shape.addresses.bytes + value + BIAS)

/** The test of each level when all nodes of a level ask the same: none for a leaf, one for a pair of leaves. */
function levelsOf(node: MuxNode): readonly MuxTest[] | undefined {
  if ('leaf' in node) return []
  const [left, right] = [levelsOf(node.left), levelsOf(node.right)]
  if (left === undefined || left.length !== right?.length) return undefined
  return left.every((test, i) => isSame(test, right[i]!)) ? [node.test, ...left] : undefined
}

const isSame = (one: MuxTest, other: MuxTest): boolean =>
  one.ranks === other.ranks && operandOf(one) === operandOf(other)
/** Tests that read the same ranks are of one kind. */
const operandOf = (test: MuxTest): number => ('set' in test ? test.set : test.place)

const lastLeafOf = (node: MuxNode): number => ('leaf' in node ? node.leaf : lastLeafOf(node.right))
