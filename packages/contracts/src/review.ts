import { z } from 'zod'

/** One question of a code review, answered about a model. */
export const ReviewAnswer = z.object({
  question: z.enum(['dependencies', 'speed', 'size', 'features', 'changes', 'names']),
  /** `pass`: fine, or within the stated limit; `fail`: a stated limit is not kept; `note`: for people to judge. */
  verdict: z.enum(['pass', 'fail', 'note']),
  /** In words, one line. */
  answer: z.string(),
  evidence: z.record(z.string(), z.unknown()),
})
export type ReviewAnswer = z.infer<typeof ReviewAnswer>
