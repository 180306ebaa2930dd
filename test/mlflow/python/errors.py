"""Wrong input, as plain HTTP: status, code and message of each."""

import requests
from checks import IS_PEER, MARK, URL, ask, check, client, done, get, post, section

SEE = " See the API docs for more information about request parameters."
EXPERIMENT = client.create_experiment(f"errors-{MARK}")
RUN = client.create_run(EXPERIMENT).info.run_id
NAME = f"errors-{MARK}"
client.create_registered_model(NAME)
client.create_model_version(NAME, f"mlflow-artifacts:/{EXPERIMENT}/{RUN}/artifacts/model", RUN)
client.log_param(RUN, "a", "1")


def same(what, answer, status, code, message, peer=None):
    """`message` may end with `…`; `peer`: what MLflow's own server answers where ours is another on purpose."""
    if IS_PEER and peer is not None:
        status, code, message = peer
    found, body = answer
    if not isinstance(body, dict):
        check(what, (status, code, message), (found, body[:300], None))
        return
    text = body.get("message", "")
    if message.endswith("…") and text.startswith(message[:-1]):
        text = message
    check(what, (status, code, message), (found, body.get("error_code"), text))


def bad(what, answer, message, peer=None):
    same(what, answer, 400, "INVALID_PARAMETER_VALUE", message, peer)


def missing(what, answer, message, peer=None):
    same(what, answer, 404, "RESOURCE_DOES_NOT_EXIST", message, peer)


def metric(**fields):
    return post("runs/log-metric", {"run_id": RUN, "key": "m", "value": 1, "timestamp": 1, "step": 0, **fields})


@section
def experiments():
    missing("by name, unknown", get("experiments/get-by-name", experiment_name="nope"), "Could not find experiment with name 'nope'")
    missing("get, unknown", get("experiments/get", experiment_id="777777"), "No Experiment with id=777777 exists")
    same("create, twice", post("experiments/create", {"name": NAME}), 400, "RESOURCE_ALREADY_EXISTS", f"Experiment(name={NAME}) already exists.…")
    bad("create, empty name", post("experiments/create", {"name": ""}), f"Missing value for required parameter 'name'.{SEE}")
    bad("create, no name", post("experiments/create", {}), f"Missing value for required parameter 'name'.{SEE}")
    bad("create, a number as name", post("experiments/create", {"name": 5}), f"Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'.{SEE}")
    bad("create, long name", post("experiments/create", {"name": "x" * 501}), "'name' exceeds the maximum length of 500 characters")
    bad("search, no size", post("experiments/search", {}), "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer…")
    bad("search, too many", post("experiments/search", {"max_results": 50001}), "Invalid value 50001 for parameter 'max_results' supplied. It must be at most 50000…")


@section
def runs():
    missing("get, unknown", get("runs/get", run_id="a" * 32), f"Run with id={'a' * 32} not found")
    bad("get, no id", get("runs/get"), f"Missing value for required parameter 'run_id'.{SEE}")
    missing("create, unknown experiment", post("runs/create", {"experiment_id": "999999"}), "No Experiment with id=999999 exists")
    bad("create, nothing", post("runs/create", {}), f"Missing value for required parameter 'experiment_id'.{SEE}",
        peer=(400, "BAD_REQUEST", "…"))
    check("create, minimal", 200, post("runs/create", {"experiment_id": EXPERIMENT})[0])
    check("create, start", None, post("runs/create", {"experiment_id": EXPERIMENT})[1]["run"]["info"].get("start_time") or None)
    bad("update, unknown status", post("runs/update", {"run_id": RUN, "status": "DONE"}), "Invalid value…", peer=(200, None, ""))
    missing("delete, unknown", post("runs/delete", {"run_id": "b" * 32}), f"Run with id={'b' * 32} not found")
    bad("tag, no key", post("runs/set-tag", {"run_id": RUN, "value": "1"}), f"Missing value for required parameter 'key'.{SEE}")
    missing("tag, none to delete", post("runs/delete-tag", {"run_id": RUN, "key": "none"}), f"No tag with name: none in run with id {RUN}")
    bad("param, another value", post("runs/log-parameter", {"run_id": RUN, "key": "a", "value": "2"}),
        f"Changing param values is not allowed. Param with key='a' was already logged with value='1' for run ID='{RUN}'. Attempted logging new value '2'.")


@section
def metrics():
    bad("value is a word", metric(value="abc"), f"Invalid value \"abc\" for parameter 'value' supplied:  Hint: Value was of type 'str'.{SEE}")
    bad("no value", post("runs/log-metric", {"run_id": RUN, "key": "m", "timestamp": 1}), f"Missing value for required parameter 'value'.{SEE}")
    bad("no timestamp", post("runs/log-metric", {"run_id": RUN, "key": "m", "value": 1}), f"Missing value for required parameter 'timestamp'.{SEE}")
    bad("no key", post("runs/log-metric", {"run_id": RUN, "value": 1, "timestamp": 1}), f"Missing value for required parameter 'key'.{SEE}")
    missing("of no run", metric(run_id="c" * 32), f"Run with id={'c' * 32} not found")
    bad("key is a path", metric(key="../a"), "Invalid value \"../a\" for parameter 'name' supplied: Names may be treated as files in certain cases, "
        "and must not resolve to other names when treated as such. This name would resolve to '../a'")
    bad("key with other signs", metric(key="a*b"), "Invalid value \"a*b\" for parameter 'name' supplied: Names may only contain alphanumerics…")
    bad("key is long", metric(key="k" * 251), "'name' exceeds the maximum length of 250 characters",
        peer=(400, "INVALID_PARAMETER_VALUE", "'Metric name' exceeds the maximum length of 250 characters"))
    bad("value is true", metric(value=True), "Invalid value true for parameter 'value' supplied:…", peer=(200, None, ""))
    bad("step is a fraction", metric(step=1.5), "Invalid value 1.5 for parameter 'step' supplied:…", peer=(200, None, ""))
    for value in ("NaN", "Infinity", "-Infinity", "1.5", 1):
        check(f"value {value}", (200, {}), metric(value=value))
    check("numbers as texts", (200, {}), metric(timestamp="17", step="-3"))
    bad("history, no key", get("metrics/get-history", run_id=RUN), f"Missing value for required parameter 'metric_key'.{SEE}")
    missing("history, no run", get("metrics/get-history", run_id="d" * 32, metric_key="m"), f"Run with id={'d' * 32} not found",
            peer=(200, None, ""))


@section
def batches():
    point = {"key": "m", "value": 1, "timestamp": 1}
    for what, item, limit in (("metrics", point, 1000), ("params", {"key": "p", "value": "1"}, 100), ("tags", {"key": "t", "value": "1"}, 100)):
        items = [{**item, "key": f"{item['key']}{index}"} for index in range(limit + 1)]
        bad(f"{limit + 1} {what}", post("runs/log-batch", {"run_id": RUN, what: items}),
            f"A batch logging request can contain at most {limit} {what}. Got {limit + 1} {what}. Please split up {what} across multiple requests and try again.")
    bad("of all together", post("runs/log-batch", {"run_id": RUN, "metrics": [point] * 950, "params": [{"key": f"p{i}", "value": "1"} for i in range(60)]}),
        "A batch logging request can contain at most 1000 metrics, params, and tags. Got 1010 metrics, params, and tags. Please split up metrics, "
        "params, and tags across multiple requests and try again.")
    bad("a metric without value", post("runs/log-batch", {"run_id": RUN, "metrics": [point, {"key": "x", "timestamp": 1}]}),
        f"Missing value for required parameter 'metrics[1].value'.{SEE}")
    bad("an unknown key", post("runs/log-batch", {"run_id": RUN, "tags": [{"key": "/abs", "value": "1"}]}), "Invalid value \"/abs\" for parameter…")
    missing("of no run", post("runs/log-batch", {"run_id": "e" * 32, "metrics": [point]}), f"Run with id={'e' * 32} not found")


@section
def registry():
    missing("model unknown", get("registered-models/get", name="none"), "Registered Model with name=none not found")
    same("model twice", post("registered-models/create", {"name": NAME}), 400, "RESOURCE_ALREADY_EXISTS", f"Registered Model (name={NAME}) already exists.…")
    missing("version unknown", get("model-versions/get", name=NAME, version="99"), f"Model Version (name={NAME}, version=99) not found")
    bad("version is no number", get("model-versions/get", name=NAME, version="abc"), "Parameter 'version' must be an integer, got 'abc'.")
    bad("alias unknown", get("registered-models/alias", name=NAME, alias="zz"), "Registered model alias zz not found.")
    for alias, message in (("latest", "'latest' alias name (case insensitive) is reserved."), ("v3", "Version alias name 'v3' is reserved.")):
        bad(f"alias {alias}", post("registered-models/alias", {"name": NAME, "alias": alias, "version": "1"}), message)
    bad("stage unknown", post("model-versions/transition-stage", {"name": NAME, "version": "1", "stage": "foo", "archive_existing_versions": False}),
        "Invalid Model Version stage: foo. Value must be one of None, Staging, Production, Archived.")
    for source in ("/etc", "file:///etc"):
        bad(f"source {source}", post("model-versions/create", {"name": NAME, "source": source}),
            f"Invalid model version source: '{source}'. To use a local path as a model version source, the run_id request parameter has to be "
            "specified and the local path has to be contained within the artifact directory of the run specified by the run_id.")
    source = "mlflow-artifacts:/../../etc"
    bad("source that leaves", post("model-versions/create", {"name": NAME, "source": source}),
        f"Invalid model version source: '{source}'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts "
        "uri, an absolute path must be provided without relative path references present. Please provide an absolute path.")
    missing("logged model unknown", get("logged-models/m-none"), "Logged model with ID 'm-none' not found.")
    bad("logged model of a bad name", post("logged-models", {"experiment_id": EXPERIMENT, "name": "a/b"}),
        "Invalid model name ('a/b') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '\"', \"'\")")


@section
def transport():
    address = f"{URL}/api/2.0/mlflow/experiments/create"
    answer = requests.post(address, data="{}", headers={"content-type": "text/plain"}, timeout=20)
    bad("another content type", (answer.status_code, answer.json()), "Bad Request. Content-Type must be one of ['application/json'].")
    answer = requests.post(address, data="{not json", headers={"content-type": "application/json"}, timeout=20)
    bad("not JSON", (answer.status_code, answer.json()), f"Missing value for required parameter 'name'.{SEE}")
    answer = requests.post(address, json='{"name": 5}', timeout=20)
    bad("JSON written twice", (answer.status_code, answer.json()), f"Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'.{SEE}")
    check("unknown fields are ignored", 200, post("runs/set-tag", {"run_id": RUN, "key": "k", "value": "v", "other": [1]})[0])
    check("either id of a run", 200, post("runs/set-tag", {"run_uuid": RUN, "key": "k", "value": "v"})[0])
    check("unknown endpoint", 404, get("nothing/here")[0])
    check("generative endpoints are not there", True, IS_PEER or post("traces", {})[0] == 404)
    check("health", 200, ask("GET", "/health")[0])
    for twin in ("/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0"):
        found = ask("GET", f"{twin}/mlflow/experiments/get", params={"experiment_id": EXPERIMENT})
        check(f"twin {twin}", (True, EXPERIMENT), (found[0] == 200, found[1]["experiment"]["experiment_id"]) if not IS_PEER or "3.0" not in twin else (True, EXPERIMENT))
    status, info = ask("GET", "/api/3.0/mlflow/server-info")
    check("server-info", (200, "SqlStore", bool), (status, info.get("store_type"), type(info.get("workspaces_enabled"))))
    check("version is text", (200, True), (lambda a: (a.status_code, a.text[:1].isdigit()))(requests.get(f"{URL}/version", timeout=20)))


done()
