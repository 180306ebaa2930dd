import { GlobalRef, type Inert } from './values.ts'

/**
 * Names that real model files call while they load and that only build a value, with the names they may be given:
 * several of them call a class they are handed (`__generator_ctor('…', os.system)` runs it), so those arguments are
 * held to a prefix. '' = any, because the function is only kept; none = no name at all.
 * A call of anything else refuses the file: we would not run it, but whoever loads the file in Python would.
 * `*` stands for the rest of one name.
 */
const HARMLESS_CALLS: readonly (readonly [call: string, given?: string])[] = [
  ['__builtin__.complex'],
  ['__builtin__.object'],
  ['__builtin__.range'],
  ['__builtin__.slice'],
  ['builtins.complex'],
  ['builtins.object'],
  ['builtins.range'],
  ['builtins.slice'],
  ['collections.Counter'],
  ['collections.deque'],
  ['datetime.date'],
  ['datetime.datetime'],
  ['datetime.timedelta'],
  ['decimal.Decimal'],
  ['fractions.Fraction'],
  ['functools.partial', ''],
  ['pathlib.PosixPath'],
  ['uuid.UUID'],
  ['numpy.ma.core._mareconstruct', 'numpy.'],
  ['numpy.random.__RandomState_ctor', 'numpy.random.'],
  ['numpy.random._pickle.__bit_generator_ctor', 'numpy.random.'],
  ['numpy.random._pickle.__generator_ctor', 'numpy.random.'],
  ['numpy.random._pickle.__randomstate_ctor', 'numpy.random.'],
  ['numpy.random.bit_generator.__pyx_unpickle_SeedSequence', 'numpy.random.'],
  ['pandas._libs.arrays.__pyx_unpickle_NDArrayBacked', 'pandas.core.'],
  ['pandas._libs.internals._unpickle_block'],
  ['pandas.core.dtypes.dtypes.CategoricalDtype'],
  ['pandas.core.indexes.base._new_Index', 'pandas.core.indexes.'],
  ['pandas.core.internals.managers.BlockManager'],
  ['pandas.core.internals.managers.SingleBlockManager'],
  ['_loss.Cy*'],
  ['_loss.__pyx_unpickle_Cy*', '_loss.Cy'],
  ['sklearn._loss._loss.Cy*'],
  ['sklearn._loss._loss.__pyx_unpickle_Cy*', 'sklearn._loss._loss.Cy'],
  ['sklearn.linear_model._sgd_fast.*'],
  ['sklearn.linear_model.sgd_fast.*'],
  ['sklearn.metrics._dist_metrics.newObj', 'sklearn.metrics._dist_metrics.'],
  ['sklearn.neighbors._ball_tree.newObj', 'sklearn.neighbors._ball_tree.'],
  ['sklearn.neighbors._dist_metrics.newObj', 'sklearn.neighbors._dist_metrics.'],
  ['sklearn.neighbors._kd_tree.newObj', 'sklearn.neighbors._kd_tree.'],
  ['sklearn.neighbors.ball_tree.newObj', 'sklearn.neighbors.ball_tree.'],
  ['sklearn.neighbors.dist_metrics.newObj', 'sklearn.neighbors.dist_metrics.'],
  ['sklearn.neighbors.kd_tree.newObj', 'sklearn.neighbors.kd_tree.'],
  ['sklearn.tree._tree.Tree'],
  ['sklearn.tree.tree.Tree'],
]

const EXACT = HARMLESS_CALLS.filter(([call]) => !call.endsWith('*'))
const BY_NAME = new Map(EXACT.map(([call, given]) => [call, { given }]))
const BY_START = HARMLESS_CALLS.filter(([call]) => call.endsWith('*')).map(([call, given]) => ({
  start: call.slice(0, -1),
  given,
}))

/** Packages whose `__new__` may be given arguments (named tuples, extension types): it builds and does no more. */
const HARMLESS_CLASSES: ReadonlySet<string> = new Set(['sklearn', 'xgboost', 'lightgbm', 'catboost'])

/** numpy before 1.20 rebuilds its functions by importing the module named first. */
const IMPORTING = /^numpy\._?core\._ufunc_reconstruct$/
const IMPORTED = /^(numpy|scipy)(\.\w+)*$/

/** May the file call `callee(*args)` (REDUCE, OBJ, INST) while it loads? */
export function isHarmlessCall(callee: GlobalRef, args: readonly Inert[]): boolean {
  const { qualified } = callee
  if (IMPORTING.test(qualified)) return typeof args[0] === 'string' && IMPORTED.test(args[0])
  const entry =
    BY_NAME.get(qualified) ??
    BY_START.find(({ start }) => qualified.startsWith(start) && !qualified.includes('.', start.length))
  if (entry === undefined) return false
  const { given } = entry
  return args.every(
    (arg) => !(arg instanceof GlobalRef) || (given !== undefined && arg.qualified.startsWith(given)),
  )
}

/** May the file run `cls.__new__(cls, *args)` (NEWOBJ)? A dotted name reaches through attributes: no. */
export function isHarmlessNew(cls: GlobalRef, args: readonly Inert[]): boolean {
  if (args.length === 0 || isHarmlessCall(cls, args)) return true
  return HARMLESS_CLASSES.has(cls.module.split('.')[0]!) && !cls.name.includes('.')
}
