import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PromotionRule } from './promotion.ts'
import { parseRule, printRule } from './rule-text.ts'

const key = fc.string({ minLength: 1, maxLength: 30, unit: 'binary' })
const alias = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,20}$/),
  fc.constantFrom('1e5', '0x1', '5ms', 'Infinity', 'on'),
)
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const amount = fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-9 })
const count = fc.integer({ min: 1, max: 100 })

const rules: fc.Arbitrary<PromotionRule> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('metric' as const),
      metric: fc.oneof(key, fc.constantFrom('tag', 'size', 'roc_auc', 'f1 score', '5ms', '-1')),
      compare: fc.constantFrom('>=', '>', '<=', '<'),
      bound: fc.oneof(fc.record({ value: number }), fc.record({ alias, plus: number })),
      dataset: key,
    },
    { requiredKeys: ['kind', 'metric', 'compare', 'bound'] },
  ),
  fc.record({ kind: fc.constant('tag' as const), key, value: key }, { requiredKeys: ['kind', 'key'] }),
  fc.record({ kind: fc.constant('self-check' as const), rows: count }, { requiredKeys: ['kind'] }),
  fc.record({
    kind: fc.constant('latency' as const),
    quantile: fc.constantFrom('p50', 'p99'),
    mostMs: amount,
  }),
  fc.record({ kind: fc.constant('size' as const), mostMb: amount }),
  fc.record({ kind: fc.constant('schema' as const), alias }),
  fc.record(
    { kind: fc.constant('approvals' as const), count, by: fc.array(key, { minLength: 1, maxLength: 4 }) },
    { requiredKeys: ['kind', 'count'] },
  ),
) as fc.Arbitrary<PromotionRule>

test('a rule that is printed is read as the same rule', () => {
  fc.assert(
    fc.property(rules, (rule) => {
      expect(PromotionRule.parse(parseRule(printRule(rule)))).toEqual(rule)
    }),
    { numRuns: 2000 },
  )
})

test('any text is read or refused in words', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseRule(text)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
  )
})

describe('what people write', () => {
  test.each([
    [
      'roc_auc >= production + 0.002 on dataset 5f1c9a',
      {
        ...{ kind: 'metric', metric: 'roc_auc', compare: '>=', dataset: '5f1c9a' },
        bound: { alias: 'production', plus: 0.002 },
      },
    ],
    [
      'log_loss<production - 0.01',
      { kind: 'metric', metric: 'log_loss', compare: '<', bound: { alias: 'production', plus: -0.01 } },
    ],
    ['accuracy > 0.8', { kind: 'metric', metric: 'accuracy', compare: '>', bound: { value: 0.8 } }],
    ['tag reviewed=yes', { kind: 'tag', key: 'reviewed', value: 'yes' }],
    ['latency p99 <= 2ms', { kind: 'latency', quantile: 'p99', mostMs: 2 }],
    ['size <= 50MB', { kind: 'size', mostMb: 50 }],
    ['self-check on 100 rows', { kind: 'self-check', rows: 100 }],
    ['schema compatible with production', { kind: 'schema', alias: 'production' }],
    ['approvals 2 by ana, "ben ali"', { kind: 'approvals', count: 2, by: ['ana', 'ben ali'] }],
  ])('%s', (text, rule) => {
    expect(parseRule(text)).toEqual(rule)
  })

  test.each([
    [
      '',
      'expected the name of a metric, or one of tag, self-check, latency, size, schema, approvals, got the end',
    ],
    ['roc_auc = 0.9', 'expected >=, >, <=, <, got "="'],
    ['roc_auc >= production plus 1', 'expected the end of the rule, got "plus"'],
    ['latency p95 <= 2 ms', 'expected p50, p99, got "p95"'],
    ['size <= 50 GB', 'expected MB, got "GB"'],
    ['tag "reviewed', '"\\"reviewed" is not closed'],
  ])('%s is refused', (text, message) => {
    expect(() => parseRule(text)).toThrow(message)
  })
})
