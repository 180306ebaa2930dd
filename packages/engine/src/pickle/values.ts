/** What a pickle stream describes, as inert data: nothing in here can be called. */
export type Inert =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Inert[]
  | Map<Inert, Inert>
  | Set<Inert>
  | GlobalRef
  | InertObject
  | NdArray
  | DType

/** A name the file would have imported. Never resolved. */
export class GlobalRef {
  readonly module: string
  readonly name: string
  constructor(module: string, name: string) {
    this.module = module
    this.name = name
  }
  get qualified(): string {
    return `${this.module}.${this.name}`
  }
}

/**
 * An object (NEWOBJ, OBJ, INST, `copyreg._reconstructor`) or a call (`called: true`, REDUCE of a name that is not
 * one of our data constructors). `args` are what it would have been given, `state` what BUILD attached.
 */
export class InertObject {
  readonly cls: GlobalRef
  readonly args: Inert[]
  readonly called: boolean
  state: Inert = null
  /** APPEND(S) onto an object (list subclasses). */
  items: Inert[] | undefined
  /** SETITEM(S) onto an object (dict subclasses). */
  entries: Map<Inert, Inert> | undefined
  constructor(cls: GlobalRef, args: Inert[], called: boolean) {
    this.cls = cls
    this.args = args
    this.called = called
  }
}

/** A numpy dtype: `kind` is numpy's letter (b i u f c O U S M m V), sizes in bytes. */
export class DType {
  kind: string
  itemsize: number
  bigEndian: boolean
  /** Structured dtypes: name → (dtype, byte offset). Read by name, never by position. */
  fields: Map<string, { dtype: DType; offset: number }> | undefined
  constructor(kind: string, itemsize: number, bigEndian: boolean) {
    this.kind = kind
    this.itemsize = itemsize
    this.bigEndian = bigEndian
  }
}

/** A numpy array. `data` is raw bytes in the order `fortran` says, or the elements when the dtype is object. */
export class NdArray {
  shape: number[]
  dtype: DType
  fortran: boolean
  data: Uint8Array | Inert[]
  constructor(shape: number[], dtype: DType, fortran: boolean, data: Uint8Array | Inert[]) {
    this.shape = shape
    this.dtype = dtype
    this.fortran = fortran
    this.data = data
  }
  get length(): number {
    return this.shape.reduce((product, dimension) => product * dimension, 1)
  }
}
