import { type MillwrightError, sentenceOf } from '@millwright/contracts/errors'
import type { Worded } from '../../replies.ts'

/** MLflow's names of errors, by status. */
const MLFLOW: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_DOES_NOT_EXIST',
  429: 'REQUEST_LIMIT_EXCEEDED',
  500: 'INTERNAL_ERROR',
  503: 'TEMPORARILY_UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** `{"error_code", "message"}`. Unlike MLflow's, the message never repeats the rows. */
export const wordMlflow = (error: MillwrightError): Worded => {
  const isAboutRows = error.code === 'VALIDATION_FAILED'
  const error_code = isAboutRows ? 'INVALID_PARAMETER_VALUE' : (MLFLOW[error.status] ?? 'BAD_REQUEST')
  return { status: error.status, body: JSON.stringify({ error_code, message: sentenceOf(error) }) }
}

/** SageMaker's names, by status; the rest of 4xx is the caller's fault. */
const SAGEMAKER: Readonly<Record<number, string>> = {
  403: 'AccessDeniedException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailable',
}

/** The same with the name that botocore raises, in the header where it looks for it. */
export const wordSageMaker = (error: MillwrightError): Worded => {
  const rest = error.status < 500 ? 'ValidationError' : 'InternalFailure'
  return {
    ...wordMlflow(error),
    headers: { 'x-amzn-errortype': SAGEMAKER[error.status] ?? rest },
  }
}
