import { z } from 'zod'
import { Deployment } from './deployment.ts'

/** What `millwright status` and the first page show. */
export const Status = z.object({
  version: z.string(),
  epoch: z.int(),
  started_at: z.iso.datetime(),
  gateways: z.array(
    z.object({ id: z.string(), pid: z.int(), epoch: z.int(), state: z.enum(['serving', 'loading', 'lost']) }),
  ),
  deployments: z.array(Deployment),
  log: z.object({
    segments: z.int(),
    /** Rows that could not be logged since start, by reason. */
    dropped: z.record(z.string(), z.int()),
    bytes: z.int(),
  }),
})
export type Status = z.infer<typeof Status>
