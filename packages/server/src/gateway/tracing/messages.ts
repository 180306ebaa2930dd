import {
  bool,
  double,
  field,
  int32,
  message,
  optional,
  repeated,
  string,
  type Type,
} from '../protobuf/message.ts'

/**
 * Messages of OTLP under their names in JSON, and with the values they have there: ids are hexadecimal digits, integers of 64
 * bits are text. What is written so as JSON can be written by these tables, too.
 */
const hexadecimal: Type<string> = {
  ...{ name: 'bytes', wire: 2, empty: () => '' },
  read: (reader) => Buffer.from(reader.bytes()).toString('hex'),
  write: (writer, digits) => writer.bytes(Buffer.from(digits, 'hex')),
}
const fixed64: Type<string> = {
  ...{ name: 'fixed64', wire: 1, empty: () => '0' },
  read: (reader) => String(reader.fixed64()),
  write: (writer, digits) => writer.fixed64(BigInt(digits)),
}
const int64: Type<string> = {
  ...{ name: 'int64', wire: 0, empty: () => '0' },
  read: (reader) => String(reader.int64()),
  write: (writer, digits) => writer.int64(Number(digits)),
}

const AnyValue = message('AnyValue', {
  stringValue: optional(1, string),
  boolValue: optional(2, bool),
  intValue: optional(3, int64),
  doubleValue: optional(4, double),
})
const KeyValue = message('KeyValue', { key: field(1, string), value: optional(2, AnyValue) })
const Status = message('Status', { message: field(2, string), code: field(3, int32) })
const Span = message('Span', {
  traceId: field(1, hexadecimal),
  spanId: field(2, hexadecimal),
  traceState: field(3, string),
  parentSpanId: field(4, hexadecimal),
  name: field(5, string),
  kind: field(6, int32),
  startTimeUnixNano: field(7, fixed64),
  endTimeUnixNano: field(8, fixed64),
  attributes: repeated(9, KeyValue),
  status: optional(15, Status),
})
const Scope = message('InstrumentationScope', { name: field(1, string), version: field(2, string) })
const ScopeSpans = message('ScopeSpans', { scope: optional(1, Scope), spans: repeated(2, Span) })
const Resource = message('Resource', { attributes: repeated(1, KeyValue) })
const ResourceSpans = message('ResourceSpans', {
  resource: optional(1, Resource),
  scopeSpans: repeated(2, ScopeSpans),
})
export const ExportTraceServiceRequest = message('ExportTraceServiceRequest', {
  resourceSpans: repeated(1, ResourceSpans),
})
