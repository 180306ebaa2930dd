import type { InferTensorContents } from './messages.ts'

export type Contents = ReturnType<typeof InferTensorContents.decode>

/** The field of `contents` that holds the elements of a datatype; the others travel as raw bytes only. */
export const CONTENTS_OF: Readonly<Record<string, keyof Contents>> = {
  BOOL: 'bool_contents',
  INT8: 'int_contents',
  INT16: 'int_contents',
  INT32: 'int_contents',
  INT64: 'int64_contents',
  UINT8: 'uint_contents',
  UINT16: 'uint_contents',
  UINT32: 'uint_contents',
  UINT64: 'uint64_contents',
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
}
