import type { FieldError } from '@millwright/contracts'
import type { Method } from '@millwright/engine'
import type { Decided } from '@millwright/inference/decision'
import { askedJson, type Label, labelAt, labelJson, pick, probabilitiesJson } from '../answer-json.ts'
import type { RowRun } from './run-rows.ts'
import type { Served } from './served.ts'

/** The id of each row of a request. */
export type RowIds = (index: number) => string

/** Whose answer it is. */
type Asked = { readonly ids: RowIds; readonly index: number; readonly outputs: readonly Method[] | undefined }

/** One row that was predicted. What ends in `Json` is JSON text; all is worked out when it is first asked for. */
export class PredictedRow {
  /** What the model answered, to this row and those run with it. */
  readonly run: RowRun
  readonly #served: Served
  readonly #asked: Asked
  #label: Label | undefined
  #labelJson: string | undefined
  #probabilitiesJson: string | undefined
  #decided: Decided | undefined

  constructor(served: Served, run: RowRun, asked: Asked) {
    this.#served = served
    this.run = run
    this.#asked = asked
  }

  get id(): string {
    return this.#asked.ids(this.#asked.index)
  }

  get label(): Label {
    const { answers, row } = this.run
    this.#label ??= labelAt(pick(answers, this.#served.labelMethod), row)
    return this.#label
  }

  get labelJson(): string {
    this.#labelJson ??= labelJson(this.label)
    return this.#labelJson
  }

  /** Class → probability. */
  get probabilitiesJson(): string | undefined {
    const keys = this.#served.probabilityKeys
    if (keys === undefined) return undefined
    const { answers, row } = this.run
    this.#probabilitiesJson ??= probabilitiesJson(keys, pick(answers, 'predict_proba'), row)
    return this.#probabilitiesJson
  }

  /** By the deployment's decision, or as one would score it. */
  get decided(): Decided | undefined {
    const { scored } = this.#served
    if (scored === undefined) return undefined
    this.#decided ??= scored.decide(pick(this.run.answers, scored.method), this.run.row)
    return this.#decided
  }

  /** Methods asked for besides the prediction. */
  get askedJson(): string | undefined {
    const { outputs } = this.#asked
    return outputs && askedJson(outputs, this.run.answers, this.run.row)
  }
}

/** One row that was refused, by the schema or by the model. */
export type FailedRow = { readonly id: string; readonly errors: readonly FieldError[] }
export type RowResult = PredictedRow | FailedRow

export const isFailed = (result: RowResult): result is FailedRow => 'errors' in result
