import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Entity, EXPERIMENTS, LOGGED_MODELS, MODEL_VERSIONS, type Operator, RUNS } from './entities.ts'
import { type Clause, parseFilter, printFilter } from './filter.ts'
import { FilterError } from './tokens.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const operator = <T extends Operator>(...names: readonly T[]) => fc.constantFrom(...names)
const valueFor = (kind: Operator): fc.Arbitrary<Clause['value']> =>
  kind === 'IN' || kind === 'NOT IN' ? fc.array(text, { minLength: 1, maxLength: 3 }) : text

const clause: fc.Arbitrary<Clause> = fc.oneof(
  fc.record({
    ...{ kind: fc.constant('metric' as const), key: text },
    ...{ operator: operator('=', '!=', '>', '>=', '<', '<='), value: number },
  }),
  fc.record({
    ...{ kind: fc.constantFrom('param' as const, 'tag' as const), key: text },
    ...{ operator: operator('=', '!=', 'LIKE', 'ILIKE'), value: text },
  }),
  operator('=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN').chain((chosen) =>
    fc.record({
      ...{ kind: fc.constant('dataset' as const), key: fc.constantFrom('name', 'digest', 'context') },
      ...{ operator: fc.constant(chosen), value: valueFor(chosen) },
    }),
  ),
  fc.record({
    ...{ kind: fc.constant('attribute' as const), key: fc.constantFrom('start_time', 'end_time') },
    ...{ operator: operator('=', '>', '<='), value: number },
  }),
)

test('what is printed is read as the same conditions', () => {
  fc.assert(
    fc.property(fc.array(clause, { maxLength: 5 }), (clauses) => {
      const printed = printFilter(clauses)

      expect(parseFilter(printed, RUNS)).toEqual(clauses)
      expect(printFilter(parseFilter(printed, RUNS))).toBe(printed)
    }),
    { seed: 3 },
  )
})

test('any text is read or refused in words', () => {
  const words = fc.constantFrom(
    ...['metrics.', 'tags.', '`', '"', "'", 'run_id', ' = ', 'IN', '(', ')', ',', ' and ', '1', ' NOT ', '.'],
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(words, text), { maxLength: 12 }), (parts) => {
      try {
        parseFilter(parts.join(''), RUNS)
      } catch (error) {
        expect(error).toBeInstanceOf(FilterError)
      }
    }),
    { seed: 7, numRuns: 2_000 },
  )
})

const conditions: readonly [string, Entity, Partial<Clause>[]][] = [
  ['', RUNS, []],
  [
    "metrics.m > 0.1 and params.a='1'",
    RUNS,
    [
      { kind: 'metric', key: 'm', operator: '>', value: 0.1 },
      { kind: 'param', key: 'a', operator: '=', value: '1' },
    ],
  ],
  ["tag.`mlflow.source.name` != 'true'", RUNS, [{ kind: 'tag', key: 'mlflow.source.name', operator: '!=' }]],
  ['params."max depth" like "a%"', RUNS, [{ key: 'max depth', operator: 'LIKE', value: 'a%' }]],
  ['metrics.val/acc-top.5:x>=-1e-3', RUNS, [{ key: 'val/acc-top.5:x', operator: '>=', value: -0.001 }]],
  ["run_id IN ('a','b')", RUNS, [{ kind: 'attribute', key: 'run_id', operator: 'IN', value: ['a', 'b'] }]],
  ["attr.`Run name` ILIKE 'it''s'", RUNS, [{ key: 'run_name', operator: 'ILIKE', value: "it's" }]],
  ['run.created < 17', RUNS, [{ key: 'start_time', value: 17 }]],
  ["dataset.name not in ('d')", RUNS, [{ kind: 'dataset', operator: 'NOT IN' }]],
  ["name LIKE 'a%' AND tags.x = ''", EXPERIMENTS, [{ key: 'name' }, { kind: 'tag', value: '' }]],
  ["name='irismodel'", MODEL_VERSIONS, [{ key: 'name', operator: '=', value: 'irismodel' }]],
  ['version_number > 3', MODEL_VERSIONS, [{ key: 'version_number', value: 3 }]],
  ['creation_time > 3', LOGGED_MODELS, [{ key: 'creation_timestamp' }]],
]

test.each(conditions)('%s', (filter, entity, expected) => {
  expect(parseFilter(filter, entity)).toMatchObject(expected)
})

describe('is refused', () => {
  test.each([
    ['metrics.a > 1 or metrics.b > 1', RUNS, "Invalid clause(s) in filter string: 'or'"],
    ['metrics.a', RUNS, "Invalid clause(s) in filter string: 'metrics.a'"],
    ['metrics.a > 1 and', RUNS, "Invalid clause(s) in filter string: 'metrics.a > 1 and'"],
    ['(metrics.a > 1)', RUNS, "Invalid clause(s) in filter string: '('"],
    ['params.a = 1', RUNS, "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"],
    ['metrics.a > "a"', RUNS, 'Expected numeric value type for metric. Found "a"'],
    [
      "foo.a = 'x'",
      RUNS,
      "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
    ],
    [
      "bad = 'x'",
      EXPERIMENTS,
      "Invalid attribute key 'bad' specified. Valid keys are '{'creation_time', 'last_update_time', 'name'}'",
    ],
    ['metrics.a = 1', EXPERIMENTS, "Invalid entity type 'metric'. Valid values are ['tag', 'attribute']"],
    ["metrics.a LIKE 'x'", RUNS, "'LIKE' cannot compare metric 'a'; valid operators are =, !=, >, >=, <, <="],
    ["run_id IN ('a', 3)", RUNS, "Expected a list of quoted strings (e.g. ('a', 'b')). Got 3"],
    ["attributes.constructor = 'x'", RUNS, /^Invalid attribute key 'constructor' specified/],
    ["tags.a = 'x", RUNS, "Invalid clause(s) in filter string: ''x'"],
    [Array(101).fill('metrics.a > 1').join(' and '), RUNS, 'A filter may have at most 100 conditions'],
  ])('%s', (filter, entity, message) => {
    expect(() => parseFilter(filter, entity)).toThrow(message)
  })
})
