import { PrecomputedAnswer, PredictAnswer, PredictRequest } from '@millwright/contracts'
import { z } from 'zod'
import { dialectDoors } from './dialect-doors.ts'
import type { Door } from './openapi.ts'

const tag = 'predictions'
const deployment = z.object({ deployment: z.string() })
const row = z.record(z.string(), z.unknown())

/** The doors that gateways open themselves; described here, served there. */
export const doors: readonly Door[] = [
  {
    method: 'POST',
    path: '/predict',
    permission: 'predict',
    summary: 'One row as plain JSON to the default deployment; the answer is what its `respond` says',
    tag,
    body: row,
    answers: { 200: row },
  },
  {
    method: 'POST',
    path: '/predict/{deployment}',
    permission: 'predict',
    summary: 'One row as plain JSON; the answer is what the deployment’s `respond` says',
    tag,
    params: deployment,
    body: row,
    answers: { 200: row },
  },
  ...['/v1/predict', '/v2/predict'].map(
    (path): Door => ({
      method: 'POST',
      path,
      permission: 'predict',
      summary:
        'As /predict, by the model version that the default deployment pins to this version of the API; /v1 to /v9',
      tag,
      body: row,
      answers: { 200: row },
    }),
  ),
  {
    method: 'POST',
    path: '/v1/predict/{deployment}',
    permission: 'predict',
    summary:
      'As /predict/{deployment}, by the model version that it pins to this version of the API; /v1 to /v9',
    tag,
    params: deployment,
    body: row,
    answers: { 200: row },
  },
  {
    method: 'POST',
    path: '/api/v1/deployments/{deployment}/predict',
    permission: 'predict',
    summary: 'One row, several rows or columns, with probabilities, the decision and further outputs',
    tag,
    params: deployment,
    body: PredictRequest,
    answers: { 200: z.union([PredictAnswer, PrecomputedAnswer]) },
  },
  {
    method: 'GET',
    path: '/api/v1/deployments/{deployment}/precomputed/{key}',
    permission: 'predict',
    summary: 'The answer to a key, computed beforehand; it says when it is stale',
    tag,
    params: deployment.extend({ key: z.string() }),
    answers: { 200: PrecomputedAnswer },
  },
  {
    method: 'GET',
    path: '/health',
    permission: 'public',
    summary: 'The health answer of the default deployment’s `respond`, or of the gateway',
    tag: 'health',
    answers: { 200: row },
  },
  {
    method: 'GET',
    path: '/health/live',
    permission: 'public',
    summary: 'The gateway runs',
    tag: 'health',
    answers: { 200: row },
  },
  {
    method: 'GET',
    path: '/health/ready',
    permission: 'public',
    summary: 'Every deployment is loaded and warm',
    tag: 'health',
    answers: { 200: row },
  },
  {
    method: 'GET',
    path: '/metrics',
    permission: 'read',
    summary: 'Prometheus text, summed over all processes',
    tag: 'health',
    answers: { 200: z.string() },
  },
  ...dialectDoors,
]
