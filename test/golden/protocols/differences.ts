/** What is done otherwise than the recorded server did it. */
export type Fault =
  /** It refused the request; here it is answered. */
  | 'answered'
  /** It answered; here the request is refused. */
  | 'refused'
  /** Both answer, with other values. */
  | 'other values'

/** Deliberate differences. Each names records by their keys, of which every one must differ so, and says why. */
export type Difference = { readonly fault: Fault; readonly reason: string; readonly records: RegExp }

/** Records under all of them: a pattern does not swallow what it was not written for. */
export const DIFFERENT_RECORDS = 209

const answered = (reason: string, records: RegExp): Difference => ({ fault: 'answered', reason, records })
const refused = (reason: string, records: RegExp): Difference => ({ fault: 'refused', reason, records })

export const DIFFERENCES: readonly Difference[] = [
  answered('HEAD is GET without its body (RFC 9110)', / \| HEAD \//),
  answered('OPTIONS tells the methods', /OPTIONS (predict|invocations|on infer)$|CORS preflight$/),
  answered('doubled slashes count once', / \| GET (\/\/v2|\/v2\/)\/models\/iris-lr$/),
  answered(
    'a slash at the end counts where a recorded server let it count; MLflow redirects',
    /^mlflow-serve \| paths \| GET \/ping\/$/,
  ),
  answered(
    'one port speaks every dialect',
    /^kserve \| (paths \| GET \/v2\/(logging|.*sharedmemory)|v1-paths \| GET \/(ping|v1\/models\/.*\/(versions|metadata))|repository \| (index|index, .*|index \{\}|index ready only))/,
  ),
  answered(
    'one port speaks every dialect',
    /^mlserver \| (paths \| GET (\/|\/v2\/(models|logging|trace\/setting|.*sharedmemory\/status|models\/iris-lr\/config))$|other-dialects)/,
  ),
  answered('one port speaks every dialect', /^triton \| (paths \| GET (\/|\/v2\/models)$|other-dialects)/),
  answered(
    'one port speaks every dialect',
    /^torchserve \| paths \| GET \/(v1\/.*|v1\/models|v2\/.*|models)?$/,
  ),
  answered('one port speaks every dialect', /^mlflow-serve \| paths \| GET (\/|\/v1\/models\/iris)$/),
  answered(
    'an address without a name means the default deployment',
    /^torchserve \| invocations \| SageMaker \/inv/,
  ),
  answered(
    'KServe serves no versions',
    /^kserve \| (metadata \| GET .*\/versions\/1(\/ready)?|infer \| versioned path)$/,
  ),
  answered(
    'every method of the model can be asked for',
    /^kserve \| outputs \| (predict|both|both reversed|with content_type str|classification 2|binary_data false)$/,
  ),
  answered(
    'every method of the model can be asked for',
    /^(mlserver|triton) \| outputs \| decision_function$/,
  ),
  answered(
    'the media type decides nothing but CSV: real clients send any, or none',
    /^(kserve|mlserver) \| http \| (text\/plain|octet-stream|form|xml)$|^kserve \| v1-http \| text\/plain$/,
  ),
  answered(
    'what says nothing of its type is JSON, and type names are not case-sensitive (RFC 9110)',
    /^mlflow-serve \| http \| (no content type|upper case type)$/,
  ),
  answered(
    'requests may be compressed',
    /^kserve \| (compression|v1-http) \| (gzip|deflate) body( \(zlib\))?$/,
  ),
  answered(
    'deflate is read, and names of codings are not case-sensitive',
    /^(mlserver|triton) \| compression \| (deflate body \(zlib\)|upper case GZIP)$(?<!triton.*deflate body \(zlib\))/,
  ),
  answered(
    'the binary extension is spoken, whatever the media type, also compressed',
    /^(kserve|mlserver) \| binary \| (as application\/json|FP32 input, JSON outputs|no content type|binary_data_size float 16.0, 16 sent|one binary output, one JSON|(gzip|deflate), header counts decompressed|gzip answer asked, binary output)$(?<!kserve.*(FP32.*|no content type|16 sent))(?<!mlserver.*application\/json)/,
  ),
  answered(
    'columns of text are read, and labels of text are answered',
    /^kserve \| mixed \| (two rows|unseen category|empty string category|number column sent as BYTES text|one tensor with all columns|content_type str per column|zero rows|predict_proba asked|predict asked)$/,
  ),
  answered(
    'a tensor for each column, or one for all of them, needs no content_type',
    /^mlserver \| mixed \| (columns, no content_type|one tensor with all columns|zero rows)$/,
  ),
  answered(
    'a tensor for each column, or one for all of them, of any number type',
    /^mlserver-mlflow \| v2 \| (one tensor of four|INT64 columns)$/,
  ),
  answered(
    'any datatype that holds the numbers, any name for the only tensor, [n] for [n,1]',
    /^triton \| (infer \| (INT64 datatype|INT32 datatype|another tensor name)|tensor \| (shape floats|data with bool|name empty)|mixed \| (two rows, shape \[n\]|number column sent as BYTES text|age as FP64 with fraction|zero rows))$/,
  ),
  answered('pandas ignores columns that are not asked for', /^triton \| mixed \| extra column$/),
  answered(
    'null stands for what is not given',
    /^triton \| parameters \| parameters null$|^kserve \| parameters \| null parameter$/,
  ),
  answered(
    'a bare NaN is a missing value, which XGBoost takes',
    /^mlserver \| models \| xgboost with bare NaN$/,
  ),
  answered('the answer is JSON, not a header', /^mlserver \| id \| id unicode$/),
  answered(
    'a content type of a tensor that it has not is left alone',
    /^mlserver \| parameters \| input content_type base64$/,
  ),
  answered('a bad request does not fail others', /^mlserver \| batching \| one wrong width among good [02]$/),
  answered(
    'the body of an index changes nothing',
    /^(triton|mlserver) \| repository \| index( ready "yes"| bad JSON|, empty body|, octet-stream empty)$(?<!triton.*empty.*)/,
  ),
  answered(
    'objects of plain values are rows',
    /^kserve \| v1 \| (row of named columns|mixed model, list of objects)$/,
  ),
  answered(
    'objects are rows of a model without names too',
    /^mlflow-serve \| no-signature \| instances dicts$/,
  ),
  answered('text that is a number is one', /^kserve \| v1-body \| number as text$/),
  answered(
    'no rows have no predictions',
    /^(kserve \| v1-body \| instances empty|mlflow-serve \| (no-signature \| zero rows|tensor \| empty))$/,
  ),
  answered(
    'lists are rows in the model’s order in every dialect; SageMaker’s CSV has no header',
    /^mlflow-serve \| (formats \| (dataframe_split without columns|dataframe_records of lists|instances rows of lists \(column model\))|csv \| no header)$/,
  ),

  refused(
    'ids are written to logs: at most 256 characters',
    /^(kserve|mlserver|triton) \| id \| id 1000 chars$/,
  ),
  refused(
    'a shape is numbers, and numbers in a tensor are numbers',
    /^(kserve|mlserver) \| tensor \| (shape strings|data strings of numbers)$(?<!mlserver.*data strings of numbers)/,
  ),
  refused(
    'an input that the model does not read is a mistake',
    /^kserve \| tensor \| (extra second input|two inputs with different rows)$/,
  ),
  refused(
    'parameters are plain values, as the protocol says',
    /^mlserver \| parameters \| (nested parameter|list parameter|headers)$/,
  ),
  refused(
    'a size that is not the data’s is a mistake',
    /^(kserve|triton) \| binary \| (length header: (leading \+|float)|binary_data_size (17 bytes|huge), 16 sent|body 2 bytes long|data and binary_data_size)$(?<!kserve.*float)(?<!triton.*(size|sent|long))/,
  ),
  refused(
    'damaged data is refused',
    /^triton \| compression \| gzip (truncated|then garbage)$|^kserve \| compression \| gzip header, plain body$/,
  ),
  refused('an unknown coding cannot be read', /^(kserve|mlserver) \| compression \| br header$/),
  refused(
    'a server without keys answers its own names alone, and no page of another site',
    /^(kserve|mlserver|triton) \| (http \| Origin|raw \| chunked body)$/,
  ),
  refused('of equal keys the last one counts', /^triton \| body \| duplicate keys$/),
  refused('the model takes no missing and no infinite values', /^triton \| numbers \| bare (NaN|-Infinity)$/),
  refused(
    'each output once, at most 256',
    /^triton \| limits \| 1000 duplicate outputs$|^kserve \| outputs \| output-0 twice$/,
  ),
  refused('HTTP/1.1 asks for a Host', /^triton \| raw \| no Host$/),
  refused('settings are not set by requests', /^triton \| trace \| POST trace_level bogus$/),
  refused('a row with a value too many is a mistake', /^mlflow-serve \| csv \| long row$/),
  refused('what reads text takes no number for one', /^mlflow-serve \| mixed \| (number|bool) for string$/),
  refused(
    'the recorded handler repeats what it does not know',
    /^torchserve \| predict \| (GET with query data|not JSON, JSON content type|text\/plain|octet-stream|form)$/,
  ),
  refused('predictions are not explained', /^torchserve \| explain \| explanations$/),
  refused(
    'models are managed by control, not by callers',
    /^torchserve \| models \| (scale a?sync|unregister|register and start|register, no workers)$/,
  ),
  refused(
    'one version of a deployment is served',
    /^triton \| (versions \| version 2|metadata \| GET .*\/versions\/2(\/ready)?)$/,
  ),
  {
    fault: 'other values',
    reason: 'the recorded Triton had a file of class names beside the model',
    records: /^triton \| classification \| (class count [1235] on predict_proba|binary)$/,
  },
  {
    fault: 'other values',
    reason: 'MLServer’s content_type asks for the prediction alone; Triton does not know it',
    records:
      /^triton \| (parameters \| content_type (np|pd)|mixed \| (columns, content_type pd|two rows|unseen category|empty string category|columns reordered|content_type str per column))$/,
  },
  {
    fault: 'other values',
    reason: 'MLServer does not know classification',
    records: /^mlserver \| outputs \| classification 2$/,
  },
]

/** Records, by key and path, that are not sent again: not a gateway's to answer, or hanging on what was asked before. */
export const NOT_REPLAYED: readonly RegExp[] = [
  // Control's pages, and paths that are nobody's: control refuses them.
  / \/(docs|openapi\.json|metrics|api-description|v2\/docs|v2\/models\/iris-lr\/docs)/,
  / \/.*\/infer_stream$/,
  // Loading, unloading and what is counted meanwhile.
  / \/.*\/(load|unload|set-default|stats)$/,
  / \| repository \| .* after (un)?load/,
]
