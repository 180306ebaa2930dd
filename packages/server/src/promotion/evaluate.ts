import { type PromotionRule, printRule, type RuleResult } from '@millwright/contracts'
import type { Facts, VersionFacts } from './facts.ts'
import { schemaDifferences } from './schema-differences.ts'

type Of<K extends PromotionRule['kind']> = Extract<PromotionRule, { kind: K }>
type Finding = Pick<RuleResult, 'passed' | 'seen' | 'wanted'>

/** What each rule finds, in their order. What was not measured does not pass. */
export const evaluateRules = (rules: readonly PromotionRule[], facts: Facts): RuleResult[] =>
  rules.map((rule) => {
    const finding = FIND[rule.kind](rule as never, facts)
    const text = printRule(rule)
    return {
      rule: text,
      kind: rule.kind,
      ...finding,
      message: `${text}: ${finding.seen}, wanted ${finding.wanted}`,
    }
  })

const FIND: { readonly [K in PromotionRule['kind']]: (rule: Of<K>, facts: Facts) => Finding } = {
  metric: findMetric,
  tag({ key, value }, { candidate }) {
    const seen = candidate.tags.get(key)
    return {
      passed: seen !== undefined && (value === undefined || seen === value),
      seen: seen === undefined ? 'no such tag' : JSON.stringify(seen),
      wanted: value === undefined ? 'the tag' : JSON.stringify(value),
    }
  },
  'self-check'({ rows }, { candidate: { check } }) {
    const mismatches = check?.mismatches
    const equal = Math.min(...Object.values(check?.sample?.equal ?? { none: 0 }))
    const seen = mismatches === undefined ? 'not checked' : `${mismatches} differences`
    return {
      passed: mismatches === 0 && equal >= (rows ?? 0),
      seen: rows === undefined ? seen : `${seen}, ${equal} rows equal to the training library's answers`,
      wanted: rows === undefined ? 'none' : `none, and ${rows} such rows`,
    }
  },
  latency({ quantile, mostMs }, { candidate: { check } }) {
    const micros = check?.latency?.single[quantile]
    return {
      passed: micros !== undefined && micros / 1000 <= mostMs,
      seen: micros === undefined ? 'not measured' : `${Number((micros / 1000).toPrecision(3))} ms`,
      wanted: `at most ${mostMs} ms`,
    }
  },
  size: ({ mostMb }, { candidate: { bytes } }) => ({
    passed: bytes <= mostMb * 1e6,
    seen: `${shown(bytes / 1e6)} MB`,
    wanted: `at most ${mostMb} MB`,
  }),
  schema({ alias }, { candidate, holders }) {
    const holder = holders.get(alias)
    if (!candidate.schema || !holder?.schema)
      return { passed: true, seen: `nothing is ${alias}`, wanted: 'the same' }
    const differences = schemaDifferences(candidate.schema, holder.schema)
    return {
      passed: differences.length === 0,
      seen: differences.length === 0 ? 'compatible' : differences.join(', '),
      wanted: `what callers of ${nameOf(holder)} send and read`,
    }
  },
  approvals({ count, by }, { candidate }) {
    const approvers = new Set(candidate.approvals.map(personOf))
    approvers.delete(personOf(candidate.createdBy))
    const counted = [...approvers].filter((one) => by === undefined || by.includes(one))
    return {
      passed: counted.length >= count,
      seen: counted.length === 0 ? 'none' : `${counted.length} (${counted.join(', ')})`,
      wanted: `${count}${by === undefined ? '' : ` of ${by.join(', ')}`}, not by ${personOf(candidate.createdBy)} who made it`,
    }
  },
}

/** A key signs as `ana (key_8fK2…)`: two keys of one name are one person. */
const personOf = (signature: string): string => signature.replace(/ \([^()]*\)$/, '')
const nameOf = ({ model, number }: VersionFacts): string => `${model}@${number}`

function findMetric(rule: Of<'metric'>, { candidate, holders }: Facts): Finding {
  const { compare, bound } = rule
  const value = measured(candidate, rule)
  const seen = value === undefined ? whyNot(candidate, rule) : shown(value)
  const isMeasured = value !== undefined && !Number.isNaN(value)
  if ('value' in bound)
    return {
      passed: isMeasured && holds(value, compare, bound.value),
      seen,
      wanted: `${compare} ${bound.value}`,
    }
  const holder = holders.get(bound.alias)
  if (holder === undefined)
    return { passed: isMeasured, seen, wanted: `a number: nothing is ${bound.alias} to compare with` }
  const held = measured(holder, rule)
  if (held === undefined || Number.isNaN(held)) {
    const why = held === undefined ? whyNot(holder, rule) : 'NaN'
    return { passed: false, seen, wanted: `${compare} that of ${nameOf(holder)}, where there is ${why}` }
  }
  const limit = held + bound.plus
  return {
    passed: isMeasured && holds(value, compare, limit),
    seen,
    wanted: `${compare} ${shown(limit)} (${nameOf(holder)} has ${shown(held)})`,
  }
}

function measured(facts: VersionFacts, { metric, dataset }: Of<'metric'>): number | undefined {
  const ofModel = facts.modelMetrics.find(
    (one) => one.key === metric && (dataset === undefined || one.dataset === dataset),
  )?.value
  const ofRun = facts.runMetrics.get(metric)
  if (dataset === undefined) return ofRun ?? ofModel
  return ofModel ?? (facts.datasets.includes(dataset) ? ofRun : undefined)
}

function whyNot({ hasRun, runMetrics }: VersionFacts, { metric, dataset }: Of<'metric'>): string {
  if (!hasRun) return `no ${metric}, for the version names no run`
  return dataset !== undefined && runMetrics.has(metric) ? `no ${metric} on that dataset` : `no ${metric}`
}

/** As far apart as sums of decimal numbers come out: 0.1 + 0.2 is 0.3. */
const isEqual = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(b))

const HOLDS: Readonly<Record<Of<'metric'>['compare'], (a: number, b: number) => boolean>> = {
  '>=': (a, b) => a >= b || isEqual(a, b),
  '>': (a, b) => a > b && !isEqual(a, b),
  '<=': (a, b) => a <= b || isEqual(a, b),
  '<': (a, b) => a < b && !isEqual(a, b),
}
const holds = (a: number, compare: Of<'metric'>['compare'], b: number): boolean => HOLDS[compare](a, b)

/** Without the noise of sums. */
const shown = (value: number): string => String(Number(value.toPrecision(12)))
