import { traceColumn } from '../exec/trace.ts'
import type { Cell, Program, ProgramNode, ValueType } from '../ir/program.ts'
import { hashedFeatures, labelSet, recordFeatures } from '../ops/records.ts'
import { countTokens, hashTokens } from '../ops/tokens.ts'
import type { Random } from './random.ts'

/** Values of one input column, ordinary or strange. */
type Column = (strange: boolean) => Cell

const STRANGE_TEXTS: readonly Cell[] = [
  null,
  Number.NaN,
  5,
  true,
  '',
  ' \u0000 \u001c\u0085\u2028 ',
  '\ud800 half \udfff',
  '👩‍👩‍👧‍👦 ΑΣ İ ǆ ﬁ é e\u0301 ³ ㊿ 😀a',
  'a'.repeat(3000),
]
const STRANGE_JSON: readonly Cell[] = [
  null,
  Number.NaN,
  5,
  'no JSON',
  'null',
  '[[]]',
  '[null]',
  '{"a":{}}',
  '{"a":null,"b":[],"":0}',
  '["\\ud800"]',
  '[["a"]]',
]
const OTHERS: readonly string[] = ['never', 'seen', 'x', '_', '3d', '-', 'Ä', '中文']
const BETWEEN: readonly string[] = [' ', ' ', ' ', '  ', ', ', '\n', '']
const MOST_WORDS = 12

/** Values for the input columns that are read as text, objects or lists, by column. */
export function textColumns(
  program: Program,
  types: readonly ValueType[],
  random: Random,
): ReadonlyMap<number, Column> {
  const columns = new Map<number, Column>()
  for (const node of program.nodes) {
    const column = columnOf(node, random)
    const origin = column && traceColumn(program, types, node.inputs[0]!, 0)
    if (column !== undefined && origin !== undefined) columns.set(origin, column)
  }
  return columns
}

function columnOf({ op, attrs }: ProgramNode, random: Random): Column | undefined {
  const several = (words: readonly string[]): string[] =>
    Array.from({ length: random.below(MOST_WORDS) }, () =>
      words.length > 0 && random.chance(0.8) ? random.pick(words) : random.pick(OTHERS),
    )
  const text = (words: readonly string[]): Column => {
    return (strange) =>
      strange
        ? random.pick(STRANGE_TEXTS)
        : several(words)
            .map((word) => word + random.pick(BETWEEN))
            .join('')
  }
  const json = (build: () => unknown): Column => {
    return (strange) => (strange ? random.pick(STRANGE_JSON) : JSON.stringify(build()))
  }
  switch (op) {
    case countTokens.name:
      return text((attrs as Parameters<typeof countTokens.infer>[0]).vocabulary)
    case hashTokens.name:
      return text([])
    case recordFeatures.name: {
      const { features, separator } = attrs as Parameters<typeof recordFeatures.infer>[0]
      return json(() => Object.fromEntries(several(features).map((name) => entryOf(name, separator, random))))
    }
    case hashedFeatures.name:
      return json(hashedRows((attrs as Parameters<typeof hashedFeatures.infer>[0]).form, several, random))
    case labelSet.name: {
      const { labels } = attrs as Parameters<typeof labelSet.infer>[0]
      return json(() => labels.filter(() => random.chance(0.5)))
    }
    default:
      return undefined
  }
}

/** A feature is a name and a text, or a name that counts a number. */
function entryOf(feature: string, separator: string, random: Random): [string, unknown] {
  const [name = '', ...text] = separator === '' ? [feature] : feature.split(separator)
  return [name, text.length > 0 ? text.join(separator) : random.unit() * 4 - 2]
}

function hashedRows(
  form: string,
  several: (words: readonly string[]) => string[],
  random: Random,
): () => unknown {
  const pairs = (): [string, unknown][] =>
    several([]).map((name) => [name, random.chance(0.5) ? random.pick(OTHERS) : random.below(3) - 1])
  if (form === 'dict') return () => Object.fromEntries(pairs())
  return form === 'pair' ? pairs : () => several([])
}
