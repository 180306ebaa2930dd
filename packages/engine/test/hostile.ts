import { readdirSync, readFileSync } from 'node:fs'
import { crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { xxh32 } from '../src/bytes/checksums.ts'
import { array, dtype, named, raw, stream, text } from './pickled.ts'

/** A file made to do harm. All of them are refused. */
export type HostileFile = { readonly name: string; readonly bytes: () => Uint8Array }

const FIXTURES = new URL('./fixtures/', import.meta.url)
const carried = (file: string): Buffer => readFileSync(new URL(file, FIXTURES))

const pickle = (name: string, ...operations: readonly (string | number | Uint8Array)[]): HostileFile => ({
  name: `pickle: ${name}`,
  bytes: () => stream('\x80\x04', ...operations, '.'),
})
const u32 = (value: number): string => Buffer.from(Uint32Array.of(value).buffer).toString('latin1')
const u64 = (value: bigint): string => Buffer.from(BigUint64Array.of(value).buffer).toString('latin1')
const system = named('os', 'system')
const command = text('touch /tmp/owned')
const MEBIBYTE = 2 ** 20

/** Names that would execute, by every operation that calls or builds. */
const CALLS: readonly HostileFile[] = [
  pickle('REDUCE of os.system', system, command, '\x85R'),
  pickle('STACK_GLOBAL of posix.system', text('posix'), text('system'), '\x93', command, '\x85R'),
  pickle('INST of os.system', '(', command, 'ios\nsystem\n'),
  pickle('OBJ of os.system', '(', system, command, 'o'),
  pickle('NEWOBJ of subprocess.Popen', named('subprocess', 'Popen'), command, '\x85\x81'),
  pickle('NEWOBJ_EX of subprocess.Popen', named('subprocess', 'Popen'), command, '\x85}\x92'),
  pickle('builtins.eval', named('builtins', 'eval'), text('1+1'), '\x85R'),
  pickle('builtins.getattr', named('builtins', 'getattr'), system, text('x'), '\x86R'),
  pickle('a call whose result is dropped', system, command, '\x85R0N'),
  pickle('a call hidden in a memo', system, '\x94', '0h\x00', command, '\x85R0N'),
  pickle(
    'a call inside an array of objects',
    array('K\x01\x85', dtype('O8', '|'), `](${system}${command}\x85Re`),
  ),
  pickle('a partial that is called', named('functools', 'partial'), system, command, '\x86R)R'),
  pickle(
    'a generator made of os.system',
    named('numpy.random._pickle', '__generator_ctor'),
    text('x'),
    system,
    '\x86R',
  ),
  pickle('a reconstructor of os.system', named('copyreg', '_reconstructor'), system, system, 'N\x87R'),
  pickle(
    'a name that reaches through attributes',
    text('sklearn'),
    text('os.system'),
    '\x93',
    command,
    '\x85R',
  ),
  pickle('an extension code', '\x82\x01)R'),
  pickle('a persistent id', 'Pelsewhere\n'),
  pickle('BUILD of a class of nobody', named('evil', 'Trap'), ')\x81}', text('x'), 'K\x01sb'),
]

/** Lengths, counts and indices that are not true. */
const LIES: readonly HostileFile[] = [
  pickle('BINBYTES8 of 2⁶³ bytes', `\x8e${u64(2n ** 63n)}`, 'abc'),
  pickle('BINUNICODE of 4 GB', `X${u32(0xffffffff)}`, 'abc'),
  pickle('BYTEARRAY8 of 1 TB', `\x96${u64(2n ** 40n)}`, 'abc'),
  pickle('LONG4 of 2 GB', `\x8b${u32(0x7fffffff)}`, 'abc'),
  pickle('LONG4 of −1 bytes', `\x8b${u32(0xffffffff)}`, 'abc'),
  pickle('a frame longer than the file', `\x95${u64(2n ** 50n)}`, 'N'),
  pickle('a memo index of 2³²−1', `Nr${u32(0xffffffff)}j${u32(0xfffffffe)}`),
  pickle('APPENDS without a mark', ']K\x01e'),
  pickle('SETITEMS of an odd number', '}(K\x01u'),
  pickle('POP of an empty stack', '0'),
  pickle('nothing to return', ''),
  pickle('an array of 2⁴⁰ numbers', array(`\x8a\x06${'\x00'.repeat(5)}\x01\x85`, dtype('f8'), raw(1, 2, 3))),
  pickle('an array of −1 numbers', array('J\xff\xff\xff\xff\x85', dtype('f8'), raw(1, 2, 3))),
  pickle('an array of 2³¹ empty ones', array(`J${u32(0x7fffffff)}K\x00\x86`, dtype('f8'), raw())),
  pickle('a dtype of 2 GB', array('K\x01\x85', dtype('V2147483647', '|'), raw(1))),
  { name: 'pickle: protocol 255', bytes: () => stream('\x80\xffN.') },
  { name: 'pickle: no end', bytes: () => stream('\x80\x04N') },
  { name: 'pickle: another one behind it', bytes: () => stream('\x80\x04N.', '\x80\x04N.') },
]

/** Shapes that trouble a recursive reader, and names that trouble JavaScript. */
const SHAPES: readonly HostileFile[] = [
  pickle('a list that holds itself', ']\x94h\x00a'),
  pickle('a dictionary that holds itself', '}\x94K\x01h\x00s'),
  pickle(
    'an object whose state is itself',
    named('sklearn.tree', 'DecisionTreeClassifier'),
    ')\x81\x94}',
    text('tree_'),
    'h\x00sb',
  ),
  pickle('100 000 lists in lists', ']'.repeat(100_000), 'a'.repeat(99_999)),
  pickle('1 000 000 marks', '('.repeat(1_000_000)),
  pickle('a list that doubles 60 times', ']', '2\x86'.repeat(60)),
  pickle('5 000 000 memo entries', 'N', '\x94'.repeat(5_000_000)),
  pickle(
    'keys of Object.prototype',
    `}(${['__proto__', 'constructor', 'toString'].map((key) => `${text(key)}}`).join('')}u`,
  ),
  pickle(
    'an estimator with keys of Object.prototype',
    named('sklearn.tree', 'DecisionTreeClassifier'),
    `)\x81}(${text('__proto__')}}${text('n_features_in_')}K\x04ub`,
  ),
]

/** Few bytes that become many. */
const BOMBS: readonly HostileFile[] = [
  { name: 'bomb: zlib', bytes: () => deflateSync(new Uint8Array(64 * MEBIBYTE), { level: 9 }) },
  { name: 'bomb: gzip', bytes: () => gzipSync(new Uint8Array(64 * MEBIBYTE), { level: 9 }) },
  { name: 'bomb: gzip in gzip', bytes: () => gzipSync(gzipSync(new Uint8Array(64 * MEBIBYTE))) },
  {
    name: 'bomb: a pickle of 8 million empty lists',
    bytes: () => deflateSync(stream('\x80\x04(', ']'.repeat(8_000_000), 'l.'), { level: 9 }),
  },
  {
    name: 'bomb: a pickle of 8 million dictionaries',
    bytes: () => deflateSync(stream('\x80\x04(', '}'.repeat(8_000_000), 'l.'), { level: 9 }),
  },
  {
    name: 'bomb: a pickle of 4 million numbers',
    bytes: () => deflateSync(stream('\x80\x04(', 'K\x01'.repeat(4_000_000), 'l.'), { level: 9 }),
  },
  {
    name: 'bomb: an XGBoost document of 4 million numbers',
    bytes: () => gzipSync(`{"learner":[${'0,'.repeat(4_000_000)}0]}`),
  },
  {
    name: 'bomb: an XGBoost document of 2 million lists',
    bytes: () => gzipSync(`{"learner":[${'[],'.repeat(2_000_000)}0]}`),
  },
  {
    name: 'bomb: 8 million memo entries',
    bytes: () => deflateSync(stream('\x80\x04N', '\x94'.repeat(8_000_000), '.'), { level: 9 }),
  },
  { name: 'bomb: lz4 that repeats one byte', bytes: lz4Bomb },
  { name: 'bomb: a xz header and nothing', bytes: () => Buffer.from('fd377a585a000004e6d6b446', 'hex') },
]

/** A frame of one block: a byte, then a match of 2³¹ bytes. */
function lz4Bomb(): Uint8Array {
  const block = Buffer.concat([
    Buffer.from([0x1f, 0x41, 0x01, 0x00]),
    Buffer.alloc(8_421_504, 0xff),
    Buffer.from([0]),
  ])
  const descriptor = Buffer.from([0x60, 0x70])
  const check = Buffer.from([(xxh32(descriptor) >>> 8) & 0xff])
  const size = Buffer.from(Uint32Array.of(block.length).buffer)
  return Buffer.concat([Buffer.from('04224d18', 'hex'), descriptor, check, size, block, Buffer.alloc(4)])
}

type ZipEntry = {
  readonly name: string
  readonly content: Uint8Array
  readonly says?: number
  readonly flags?: number
}

/** A zip archive; `says` is the size its directory claims. */
function zip(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = []
  const centrals: Buffer[] = []
  let at = 0
  for (const { name, content, says = content.length, flags = 0 } of entries) {
    const packed = deflateRawSync(content)
    const facts = Buffer.alloc(22)
    facts.writeUInt16LE(flags, 2)
    facts.writeUInt16LE(8, 4)
    facts.writeUInt32LE(crc32(content), 10)
    facts.writeUInt32LE(packed.length, 14)
    facts.writeUInt32LE(says, 18)
    const lengths = Buffer.from([name.length, 0, 0, 0])
    const offset = Buffer.alloc(14)
    offset.writeUInt32LE(at, 10)
    locals.push(Buffer.from('PK\x03\x04'), facts, lengths, Buffer.from(name), packed)
    centrals.push(Buffer.from('PK\x01\x02\x14\x00'), facts, lengths, offset, Buffer.from(name))
    at += 4 + facts.length + 4 + name.length + packed.length
  }
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(Buffer.concat(centrals).length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...locals, ...centrals, end])
}

const skops = (name: string, schema: unknown, ...others: readonly ZipEntry[]): HostileFile => ({
  name: `skops: ${name}`,
  bytes: () => {
    const content = Buffer.from(typeof schema === 'string' ? schema : JSON.stringify(schema))
    return zip([{ name: 'schema.json', content }, ...others])
  },
})
const node = (loader: string, module: string, cls: string, more: object = {}) => ({
  __class__: cls,
  __module__: module,
  __loader__: loader,
  protocol: 1,
  _skops_version: '0.11',
  ...more,
})

const ARCHIVES: readonly HostileFile[] = [
  skops('a function that is os.system', node('FunctionNode', 'os', 'system')),
  skops(
    'an object of os',
    node('ObjectNode', 'os', '_wrap_close', {
      content: node('DictNode', 'builtins', 'dict', {
        content: {},
        key_types: node('ListNode', 'builtins', 'list', { content: [] }),
      }),
    }),
  ),
  skops(
    'a reduction to os.system',
    node('TreeNode', 'os', 'system', {
      __reduce__: { args: node('TupleNode', 'builtins', 'tuple', { content: [] }) },
    }),
  ),
  skops('a loader that nobody has', node('EvilNode', 'os', 'system')),
  skops('a loader of Object.prototype', node('constructor', 'os', 'system')),
  skops('100 000 levels', `${'{"content":['.repeat(100_000)}${']}'.repeat(100_000)}`),
  skops('keys of Object.prototype', '{"__proto__":{"content":1},"constructor":{},"__loader__":"toString"}'),
  skops(
    'a file that is not there',
    node('BytesNode', 'builtins', 'bytes', { type: 'bytes', file: '../../etc/passwd' }),
  ),
  {
    name: 'skops: a schema of 1 GB',
    bytes: () => zip([{ name: 'schema.json', content: new Uint8Array(MEBIBYTE), says: 2 ** 30 }]),
  },
  {
    name: 'skops: a schema longer than it says',
    bytes: () => zip([{ name: 'schema.json', content: new Uint8Array(64 * MEBIBYTE), says: 10 }]),
  },
  {
    name: 'skops: two files of one name',
    bytes: () => zip(['{}', '[]'].map((json) => ({ name: 'schema.json', content: Buffer.from(json) }))),
  },
  {
    name: 'skops: encrypted',
    bytes: () => zip([{ name: 'schema.json', content: Buffer.from('{}'), flags: 1 }]),
  },
]

/** A carried model file with something in its text replaced. */
const edited = (name: string, file: string, from: RegExp, to: string): HostileFile => ({
  name,
  bytes: () => {
    const before = carried(file).toString('latin1')
    const after = before.replace(from, to)
    if (after === before) throw new Error(`${file} has nothing like ${from}`)
    return Buffer.from(after, 'latin1')
  },
})
const made = (name: string, content: () => string): HostileFile => ({
  name,
  bytes: () => Buffer.from(content(), 'latin1'),
})

const XGBOOST = 'xgboost-1.7.6/xgb-categorical-codes/model.json'
const LIGHTGBM = 'lightgbm-3.3.5/lgb-classifier-categorical/booster.txt'
const CATBOOST = 'catboost-1.2.10/cat-lossguide/model.json'

const BOOSTERS: readonly HostileFile[] = [
  made('xgboost: 100 000 levels', () => `{"learner":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
  made(
    'xgboost: keys of Object.prototype',
    () => '{"learner":{"__proto__":{"gradient_booster":{}},"constructor":1},"version":[1,7,6]}',
  ),
  edited('xgboost: 2³¹ columns', XGBOOST, /"num_feature":"\d+"/g, '"num_feature":"2147483647"'),
  edited('xgboost: −1 columns', XGBOOST, /"num_feature":"\d+"/g, '"num_feature":"-1"'),
  edited('xgboost: 10¹² classes', XGBOOST, /"num_class":"\d+"/, '"num_class":"1000000000000"'),
  edited('xgboost: a tree that is a circle', XGBOOST, /"left_children":\[\d+/, '"left_children":[0'),
  edited(
    'xgboost: children outside the tree',
    XGBOOST,
    /"right_children":\[\d+/,
    '"right_children":[999999999',
  ),
  made('ubjson: 2⁶² numbers', () => `{L${'\0'.repeat(7)}\x07learner[$d#L\x40${'\0'.repeat(7)}`),
  made('ubjson: a key of −1 bytes', () => '{L\0\0\0\0\0\0\0\x07learner{i\xff'),
  made('ubjson: 100 000 levels', () => `{L\0\0\0\0\0\0\0\x07learner${'['.repeat(100_000)}`),
  made('ubjson: 10⁹ counted values', () => '{L\0\0\0\0\0\0\0\x07learner[#l\x3b\x9a\xca\x00Z'),
  made('xgboost binary: 2³² of everything', () => `binf${'\xff'.repeat(400)}`),
  edited('lightgbm: 2·10⁹ leaves', LIGHTGBM, /num_leaves=\d+/, 'num_leaves=2000000000'),
  edited('lightgbm: a tree that is a circle', LIGHTGBM, /left_child=-?\d+/, 'left_child=0'),
  edited('lightgbm: children outside the tree', LIGHTGBM, /right_child=-?\d+/, 'right_child=-99999999'),
  edited('lightgbm: 2·10⁹ columns', LIGHTGBM, /max_feature_idx=\d+/, 'max_feature_idx=2000000000'),
  edited(
    'lightgbm: 10⁹ trees a round',
    LIGHTGBM,
    /num_tree_per_iteration=\d+/,
    'num_tree_per_iteration=1000000000',
  ),
  made(
    'catboost: a tree 60 levels deep',
    () =>
      `{"features_info":{"float_features":[{"feature_index":0,"flat_feature_index":0,"borders":[1]}]},"oblivious_trees":[{"splits":[${Array.from({ length: 60 }, () => '{"float_feature_index":0,"split_index":0,"border":1,"split_type":"FloatFeature"}')}],"leaf_values":[0,1]}],"scale_and_bias":[1,[0]],"model_info":{"params":{"loss_function":{"type":"RMSE"}}}}`,
  ),
  made('catboost: 100 000 levels', () => `{"features_info":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
  edited(
    'catboost: a node without leaves',
    CATBOOST,
    /"trees":\s*\[\s*\{/,
    '"trees":[{"split":{"split_index":0},"left":{},"right":{}},{',
  ),
  made('catboost binary: 4 GB', () => `CBM1\xff\xff\xff\xff${'\xff'.repeat(64)}`),
  made('catboost binary: tables that point to themselves', () => `CBM1\x10\0\0\0${'\x04\0\0\0'.repeat(4)}`),
]

/** Every file that is refused whatever its owner says. */
export const HOSTILE_FILES: readonly HostileFile[] = [
  ...CALLS,
  ...LIES,
  ...SHAPES,
  ...BOMBS,
  ...ARCHIVES,
  ...BOOSTERS,
]

/** Small files, one of each format and of each way to compress it: to be cut off at every byte. */
export const SMALL_FILES: readonly string[] = readdirSync(FIXTURES, {
  recursive: true,
  encoding: 'utf8',
}).filter(
  (file) =>
    [
      'scikit-learn-1.3.2/tree-pruned/model.p2.pkl',
      'skops-0.16.0/tree-multi-output/model.deflated.skops',
      'xgboost-2.1.4/xgb-dart/model.bin',
      'xgboost-1.7.6/xgb-categorical-codes/model.ubj',
      'xgboost-1.7.6/xgb-categorical-codes/model.json',
      'catboost-1.2.10/cat-lossguide/model.cbm',
      'lightgbm-3.3.5/lgb-classifier-categorical/booster.txt',
    ].includes(file) || /rf-three\/model\.(joblib|compress3)/.test(file),
)
