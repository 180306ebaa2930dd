import { z } from 'zod'

export const CellValue = z.union([z.string(), z.number(), z.boolean(), z.null()])
export type CellValue = z.infer<typeof CellValue>

/** A value of one field of a row: `object` and `list` columns take more than one plain value. */
export const FieldValue = z.union([CellValue, z.array(z.unknown()), z.record(z.string(), z.unknown())])
export type FieldValue = z.infer<typeof FieldValue>

/** One column a model reads. */
export const SchemaColumn = z.object({
  name: z.string(),
  /** `object`: a JSON object, `list`: a JSON list, of texts, numbers, booleans, null and lists of them. */
  type: z.enum(['number', 'integer', 'boolean', 'string', 'object', 'list', 'any']),
  /** null (a missing value) is accepted. */
  nullable: z.boolean(),
  /** What null means to the model: a missing float or Python's None. */
  null: z.enum(['NaN', 'None']),
  /** The strings "Infinity" and "-Infinity" are accepted. */
  infinite: z.boolean(),
  /** Categories seen in training, when the model knows them. */
  categories: z.array(CellValue).optional(),
  /** What happens to a category that was not seen in training. */
  unknown: z.enum(['accepted', 'refused']),
})
export type SchemaColumn = z.infer<typeof SchemaColumn>

export const ModelSchema = z.object({
  inputs: z.array(SchemaColumn),
  /** Methods the model answers, with the numpy-style dtype of each. */
  outputs: z.array(z.object({ name: z.string(), dtype: z.string(), shape: z.string() })),
  /** Class labels in column order of predict_proba; one list per output. */
  classes: z.array(z.array(CellValue)),
})
export type ModelSchema = z.infer<typeof ModelSchema>
