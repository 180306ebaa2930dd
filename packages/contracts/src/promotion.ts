import { z } from 'zod'
import { Name, Timestamp } from './names.ts'

const Key = z.string().min(1).max(250)
const Amount = z.number().positive()

/** What a version's metric is held against: a number, or the same metric of the version that an alias points to, and how much more. */
const Bound = z.union([
  z.strictObject({ value: z.number() }),
  z.strictObject({ alias: Name, plus: z.number() }),
])

/** The latest value that the version's run logged, or the one measured on a dataset, named by its digest. */
const MetricRule = z.strictObject({
  kind: z.literal('metric'),
  metric: Key,
  compare: z.enum(['>=', '>', '<=', '<']),
  bound: Bound,
  dataset: z.string().min(1).max(64).optional(),
})

/** A tag of the version or, when it has none of that key, of its run. */
const TagRule = z.strictObject({ kind: z.literal('tag'), key: Key, value: z.string().max(5000).optional() })

/** The compiled form answers as the reference does; with `rows`, also as the training library did, on as many rows of the user's. */
const SelfCheckRule = z.strictObject({ kind: z.literal('self-check'), rows: z.int().positive().optional() })

/** What a row alone costs, as measured when the version was read. */
const LatencyRule = z.strictObject({
  kind: z.literal('latency'),
  quantile: z.enum(['p50', 'p99']),
  mostMs: Amount,
})

/** Of the model's files, in millions of bytes. */
const SizeRule = z.strictObject({ kind: z.literal('size'), mostMb: Amount })

/** Callers of the version that an alias points to need not change. */
const SchemaRule = z.strictObject({ kind: z.literal('schema'), alias: Name })

/** By as many people, or keys, none of whom made the version; `by`: only these count. */
const ApprovalRule = z.strictObject({
  kind: z.literal('approvals'),
  count: z.int().positive().max(100),
  by: z.array(Key).min(1).max(100).optional(),
})

/** One condition that a version must meet before an alias is moved to it. `docs/reference/promotion-rules.md` has the text of each. */
export const PromotionRule = z.discriminatedUnion('kind', [
  MetricRule,
  TagRule,
  SelfCheckRule,
  LatencyRule,
  SizeRule,
  SchemaRule,
  ApprovalRule,
])
export type PromotionRule = z.infer<typeof PromotionRule>

const reason = z.string().max(1000).optional()

/** All rules of an alias; none: it may be moved to any version that is READY. */
export const SetPromotionRules = z.strictObject({ rules: z.array(PromotionRule).max(100), reason })
export type SetPromotionRules = z.infer<typeof SetPromotionRules>

/** Rules as they were set; revision 0: none ever were. */
export const PromotionRules = z.object({
  model: Name,
  alias: Name,
  revision: z.int(),
  rules: z.array(PromotionRule),
  by: z.string().nullable(),
  reason: z.string().nullable(),
  at: Timestamp.nullable(),
})
export type PromotionRules = z.infer<typeof PromotionRules>

export const RuleResult = z.object({
  /** The rule's text. */
  rule: z.string(),
  kind: z.string(),
  passed: z.boolean(),
  seen: z.string(),
  wanted: z.string(),
  /** Both in a sentence. */
  message: z.string(),
})
export type RuleResult = z.infer<typeof RuleResult>

/** Whether an alias may be moved to a version now. */
export const PromotionCheck = z.object({
  model: Name,
  alias: Name,
  version: z.int(),
  /** The version that the alias points to now. */
  holder: z.int().nullable(),
  /** Of the rules. */
  revision: z.int(),
  passed: z.boolean(),
  results: z.array(RuleResult),
})
export type PromotionCheck = z.infer<typeof PromotionCheck>

export const Approve = z.strictObject({ reason })

export const Approval = z.object({
  model: Name,
  version: z.int(),
  by: z.string(),
  reason: z.string().nullable(),
  at: Timestamp,
})
export type Approval = z.infer<typeof Approval>
