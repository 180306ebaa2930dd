import type { Cursor } from '../bytes/cursor.ts'
import { type Budget, overLimit } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import { setArrayState, setDTypeState } from './arrays.ts'
import { construct } from './constructors.ts'
import { isHarmlessCall, isHarmlessNew } from './harmless.ts'
import { isArrayWrapper, readWrappedArray } from './joblib.ts'
import { Memo } from './memo.ts'
import { DType, GlobalRef, type Inert, InertObject, NdArray } from './values.ts'

/** What a file names and what loading it in Python would call; shared by the pickles nested in one file. */
export type Names = {
  /** Qualified name → would the file call it. */
  readonly called: Map<string, boolean>
  /** Calls that refuse the file, in file order. */
  readonly forbidden: string[]
  joblib: boolean
}

/** State of one pickle being read: CPython's stack, marks and memo, and nothing that can be called. */
export class Machine {
  readonly cursor: Cursor
  readonly budget: Budget
  readonly names: Names
  readonly memo = new Memo()
  /** Reads another pickle at the cursor: joblib's object arrays are pickles of their own. */
  readonly readNested: () => Inert
  protocol = 0
  #stack: Inert[] = []
  readonly #marks: number[] = []
  /** Nothing below the last mark may be taken. */
  #fence = 0

  constructor(cursor: Cursor, budget: Budget, names: Names, readNested: () => Inert) {
    this.cursor = cursor
    this.budget = budget
    this.names = names
    this.readNested = readNested
  }

  push(value: Inert): void {
    this.#stack.push(value)
  }

  /** A value that holds others. */
  pushContainer(value: Inert): void {
    this.budget.container()
    this.#stack.push(value)
  }

  pop(): Inert {
    if (this.#stack.length <= this.#fence) throw corrupt('an operation without its operand')
    return this.#stack.pop()!
  }

  top(): Inert {
    if (this.#stack.length <= this.#fence) throw corrupt('an operation without its operand')
    return this.#stack.at(-1)!
  }

  mark(): void {
    this.#fence = this.#stack.length
    this.#marks.push(this.#fence)
    if (this.#marks.length > this.budget.limits.maxDepth)
      throw overLimit('levels of nesting', this.budget.limits.maxDepth)
  }

  /** Everything above the last mark; the mark goes too. */
  popToMark(): Inert[] {
    const start = this.#marks.pop()
    if (start === undefined) throw corrupt('the end of a group without its start')
    this.#fence = this.#marks.at(-1) ?? 0
    const values = this.#stack.splice(start)
    this.budget.elements(values.length)
    return values
  }

  /** POP: the last value, or the last mark when it has nothing above it. */
  discard(): void {
    if (this.#marks.length > 0 && this.#marks.at(-1) === this.#stack.length) this.popToMark()
    else this.pop()
  }

  tuple(count: number): void {
    const values: Inert[] = new Array(count)
    for (let i = count - 1; i >= 0; i--) values[i] = this.pop()
    this.pushContainer(values)
  }

  remember(slot: number): void {
    this.memo.set(slot, this.top())
    if (this.memo.size > this.budget.limits.maxMemoEntries)
      throw overLimit('remembered objects', this.budget.limits.maxMemoEntries)
  }

  recall(slot: number): void {
    const value = this.memo.get(slot)
    if (value === undefined) throw corrupt(`memo entry ${slot} is read before it is written`)
    this.push(value)
  }

  name(module: Inert, name: Inert): GlobalRef {
    if (typeof module !== 'string' || typeof name !== 'string') throw corrupt('a name that is not text')
    const ref = new GlobalRef(module, name)
    if (!this.names.called.has(ref.qualified)) this.names.called.set(ref.qualified, false)
    return ref
  }

  /** REDUCE: `callee(*args)`. */
  call(callee: Inert, args: Inert): Inert {
    if (!Array.isArray(args)) throw corrupt('a call whose arguments are not a tuple')
    this.budget.container()
    if (!(callee instanceof GlobalRef)) {
      if (this.names.forbidden.length === 0) this.names.forbidden.push(`what ${describe(callee)} returns`)
      // The file is refused already; what follows tells in which step.
      if (callee instanceof InertObject) return new InertObject(callee.cls, args, true)
      throw corrupt('a call of something that has no name')
    }
    this.names.called.set(callee.qualified, true)
    const value = construct(callee, args, this.budget)
    if (value !== undefined) return value
    if (!isHarmlessCall(callee, args)) this.#forbid(callee, args)
    return new InertObject(callee, args, true)
  }

  /** NEWOBJ, NEWOBJ_EX: `cls.__new__(cls, *args)`. */
  instance(cls: Inert, args: Inert): InertObject {
    if (!(cls instanceof GlobalRef) || !Array.isArray(args)) throw corrupt('an object without a class')
    this.budget.container()
    if (!isHarmlessNew(cls, args)) {
      this.names.called.set(cls.qualified, true)
      this.#forbid(cls, args)
    }
    return new InertObject(cls, args, false)
  }

  #forbid(callee: GlobalRef, args: readonly Inert[]): void {
    const given = args.filter((arg) => arg instanceof GlobalRef).map((arg) => arg.qualified)
    const call = given.length === 0 ? callee.qualified : `${callee.qualified}(${given.join(', ')})`
    if (!this.names.forbidden.includes(call)) this.names.forbidden.push(call)
  }

  append(values: readonly Inert[]): void {
    const target = this.top()
    if (Array.isArray(target)) for (const value of values) target.push(value)
    else if (target instanceof InertObject) {
      target.items ??= []
      for (const value of values) target.items.push(value)
    } else throw corrupt(`an element added to ${describe(target)}`)
  }

  setItems(pairs: readonly Inert[]): void {
    const target = this.top()
    if (pairs.length % 2 !== 0) throw corrupt('a dictionary key without a value')
    if (target instanceof InertObject) target.entries ??= new Map()
    const entries = target instanceof InertObject ? target.entries : target
    if (!(entries instanceof Map)) throw corrupt(`a key set on ${describe(target)}`)
    for (let i = 0; i < pairs.length; i += 2) entries.set(pairs[i]!, pairs[i + 1]!)
  }

  addItems(values: readonly Inert[]): void {
    const target = this.top()
    if (!(target instanceof Set)) throw corrupt(`a member added to ${describe(target)}`)
    for (const value of values) target.add(value)
  }

  /** Python's `__dict__.update`, when an object is given a second state. */
  #update(before: Inert, state: Inert): Inert {
    if (!(before instanceof Map && state instanceof Map)) return state
    this.budget.elements(before.size + state.size)
    return new Map([...before, ...state])
  }

  /** BUILD: the state of the object below it. A joblib array's bytes follow in the file. */
  build(): void {
    const state = this.pop()
    const target = this.top()
    if (target instanceof InertObject) {
      target.state = this.#update(target.state, state)
      if (!isArrayWrapper(target)) return
      this.names.joblib = true
      this.pop()
      this.push(readWrappedArray(target, this))
    } else if (target instanceof NdArray) setArrayState(target, state, this.budget)
    else if (target instanceof DType) setDTypeState(target, state)
    else {
      if (target instanceof GlobalRef) this.names.forbidden.push(`${target.qualified}.__setstate__`)
      throw corrupt(`a state set on ${describe(target)}`)
    }
  }
}

export const corrupt = (what: string): ModelError => new ModelError('corrupt', `the pickle has ${what}`)

function describe(value: Inert): string {
  if (value instanceof GlobalRef) return value.qualified
  if (value instanceof InertObject) return value.cls.qualified
  if (Array.isArray(value)) return 'a list'
  return value === null ? 'None' : value.constructor.name.toLowerCase()
}
