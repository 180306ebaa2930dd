"""Every operator of the search grammar on everything that is searched; expected lists are computed here."""

import itertools
import math
import re

from checks import IS_3, IS_PEER, MARK, check, client, done, mlflow, refused, section
from mlflow.entities import Metric, Param, RunTag

NUMERIC = {"=": lambda a, b: a == b, "!=": lambda a, b: a != b, ">": lambda a, b: a > b,
           ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b}


def like(value, pattern, flags=0):
    signs = {"%": ".*", "_": "."}
    return re.fullmatch("".join(signs.get(c, re.escape(c)) for c in pattern), value, flags | re.DOTALL) is not None


TEXT = {"=": lambda a, b: a == b, "!=": lambda a, b: a != b, "LIKE": like, "ILIKE": lambda a, b: like(a, b, re.IGNORECASE)}
LISTS = {"IN": lambda a, b: a in b, "NOT IN": lambda a, b: a not in b}


def quote(value):
    return value if not isinstance(value, str) else f"'{value}'"


def listed(values):
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def texts(identifier, read, values, operators=TEXT):
    """(filter, predicate) of each operator and value; what is missing never matches."""
    return [(f"{identifier} {name} '{value}'", lambda row, test=test, value=value: read(row) is not None and test(read(row), value))
            for name, test in operators.items() for value in values]


def numbers(identifier, read, values):
    return [(f"{identifier} {name} {value}", lambda row, test=test, value=value: read(row) is not None and test(read(row), value))
            for name, test in NUMERIC.items() for value in values]


def lists(identifier, read, values):
    return [(f"{identifier} {name} {listed(values)}", lambda row, test=test: read(row) is not None and test(read(row), values))
            for name, test in LISTS.items()]


EXPERIMENT = client.create_experiment(f"search-{MARK}")
PLANS = ["Basic", "basic", "pro_1", "proX1", "100%", None, "O.K.", "[a]*?"]
AUCS = [0.5, -1e-3, 0.75, None, math.nan, 1e300, 0.75, 0.1]
STATUSES = ["FINISHED", "FAILED", "RUNNING", "KILLED"]
RUNS = []
for index in range(16):
    row = {"name": f"run-{index:02d}-{'AbC'[index % 3]}", "start": 1000 + 10 * (index // 2), "plan": PLANS[index % 8],
           "auc": AUCS[(index * 3) % 8], "loss": float((index * 7) % 5), "status": STATUSES[index % 4], "end": None}
    row["tag"] = None if index % 5 == 0 else f"Team {index % 3}"
    made = client.create_run(EXPERIMENT, start_time=row["start"], run_name=row["name"]).info
    row.update(id=made.run_id, uri=made.artifact_uri, user=made.user_id)
    client.log_batch(
        row["id"],
        [Metric(key, row[key], 1, 0) for key in ("auc", "loss") if row[key] is not None] + [Metric("val/top 1", index / 2, 1, 0)],
        [Param("plan", row["plan"])] if row["plan"] is not None else [],
        [RunTag("team name", row["tag"])] if row["tag"] is not None else [],
    )
    if row["status"] != "RUNNING":
        row["end"] = 5000 - index
        client.set_terminated(row["id"], row["status"], end_time=row["end"])
    row["top"] = index / 2
    RUNS.append(row)
for row in RUNS[3:9]:
    with mlflow.start_run(run_id=row["id"]):
        dataset = mlflow.data.from_numpy(__import__("numpy").arange(4 + (row["start"] % 3)), name="Data_A" if row["start"] % 20 else "dataB")
        mlflow.log_input(dataset, context="training" if row["loss"] > 1 else "Eval")
        row.update(dataset=dataset.name, digest=dataset.digest, context="training" if row["loss"] > 1 else "Eval")
for row in RUNS:
    if "dataset" in row:
        found = client.get_run(row["id"]).info
        row["status"], row["end"] = found.status, found.end_time
DEFAULT = sorted(RUNS, key=lambda row: (-row["start"], row["id"]))


def field(name):
    return lambda row: row.get(name)


def names(filter_string, **arguments):
    return [run.info.run_name for run in client.search_runs([EXPERIMENT], filter_string, **arguments)]


@section
def runs():
    some, digest = [RUNS[1]["id"], RUNS[5]["id"]], RUNS[4]["digest"]
    table = [
        *texts("params.plan", field("plan"), ["basic", "pro_1", "%1", "b_sic", "100%", "[a]*?", "o.k."]),
        *texts("param.`plan`", field("plan"), ["Basic"]),
        *texts('tags."team name"', field("tag"), ["Team 1", "team%", "Team _"]),
        *texts("attributes.run_name", field("name"), ["run-03-A", "run-0_-a", "%B"]),
        *texts("run_name", field("name"), ["run-03-A"]),
        *texts("attr.`Run name`", field("name"), ["%-c"]),
        *texts("status", field("status"), ["FINISHED", "F%", "finished"]),
        *texts("attributes.run_id", field("id"), [RUNS[2]["id"], f"{RUNS[2]['id'][:6]}%"]),
        *texts("artifact_uri", field("uri"), [RUNS[3]["uri"], f"%{RUNS[4]['id'].upper()}%"]),
        *texts("attributes.user_id", field("user"), [RUNS[0]["user"], "U%"]),
        *texts("datasets.name", field("dataset"), ["Data_A", "data%"]),
        *texts("dataset.digest", field("digest"), [digest, f"{digest[:3]}%"]),
        *texts("datasets.context", field("context"), ["training", "e%"]),
        *lists("run_id", field("id"), some),
        *lists("datasets.name", field("dataset"), ["Data_A", "x"]),
        *lists("datasets.digest", field("digest"), [digest]),
        *lists("dataset.context", field("context"), ["Eval"]),
        *numbers("metrics.auc", field("auc"), [0.75, 0, -1e-3]),
        *numbers("metric.loss", field("loss"), [2]),
        *numbers('metrics."val/top 1"', field("top"), [3.5]),
        *numbers("attributes.start_time", field("start"), [1030]),
        *numbers("created", field("start"), [1030]),
        *numbers("end_time", field("end"), [4990]),
    ]
    for filter_string, test in table:
        check(f"runs: {filter_string}", [row["name"] for row in DEFAULT if test(row)], names(filter_string))
    pairs = itertools.islice(itertools.combinations(table[::7], 2), 0, None, 5)
    for (one, is_one), (two, is_two) in pairs:
        check(f"runs: {one} and {two}", [row["name"] for row in DEFAULT if is_one(row) and is_two(row)], names(f"{one} and {two}"))


@section
def order_of_runs():
    def sorted_by(read, descending):
        """What is missing or NaN comes last in either direction; NaN before what is missing."""
        def key(row):
            value = read(row)
            return 2 if value is None else 1 if isinstance(value, float) and math.isnan(value) else 0
        there = sorted((row for row in DEFAULT if key(row) == 0), key=read, reverse=descending)
        if descending:  # a stable sort keeps the default order among equals in both directions
            there = sorted((row for row in DEFAULT if key(row) == 0), key=read)
            groups = [list(group) for _, group in itertools.groupby(there, key=read)]
            there = [row for group in reversed(groups) for row in group]
        rest = [row for row in DEFAULT if key(row) == 1] + [row for row in DEFAULT if key(row) == 2]
        return [row["name"] for row in there + rest]

    for clause, read in {"metrics.auc": field("auc"), "metrics.`loss`": field("loss"), "params.plan": field("plan"),
                         'tags."team name"': field("tag"), "attributes.start_time": field("start"), "end_time": field("end"),
                         "attributes.status": field("status"), "run_name": field("name"), "created": field("start")}.items():
        for direction in ("", " ASC", " DESC"):
            check(f"order: {clause}{direction}", sorted_by(read, direction == " DESC"), names("", order_by=[clause + direction]))
    two = sorted(DEFAULT, key=lambda row: (row["loss"], [-ord(c) for c in row["status"]]))
    check("order: two", [row["name"] for row in two], names("", order_by=["metrics.loss", "status DESC"]))


@section
def pages_of_runs():
    for order in ([], ["metrics.auc DESC"], ["params.plan"], ["end_time"], ["metrics.loss", "params.plan DESC"]):
        seen, token = [], None
        while True:
            page = client.search_runs([EXPERIMENT], order_by=order, max_results=3, page_token=token)
            seen += [run.info.run_name for run in page]
            token = page.token
            if not token:
                break
        check(f"pages: {order}", names("", order_by=order), seen)


@section
def experiments():
    made = []
    for index, tag in enumerate(["Red", "red", "blue", None]):
        name = f"{MARK}-{'Ab'[index % 2]}_{index}"
        client.create_experiment(name, tags={"colour": tag} if tag else {})
        made.append({"name": name, "tag": tag, "created": client.get_experiment_by_name(name).creation_time})
    newest = made[::-1]

    def found(filter_string, **arguments):
        both = f"name LIKE '{MARK}%'" + (f" AND {filter_string}" if filter_string else "")
        return [experiment.name for experiment in client.search_experiments(filter_string=both, **arguments)]

    table = [
        *texts("name", field("name"), [made[0]["name"], f"{MARK}-a%", f"{MARK}-b__"]),
        *texts("attribute.name", field("name"), [made[0]["name"]]),
        *texts("tags.colour", field("tag"), ["red", "r%"]),
        *texts("tag.`colour`", field("tag"), ["blue"]),
        *numbers("creation_time", field("created"), [made[1]["created"]]),
        *numbers("attribute.creation_time", field("created"), [made[2]["created"]]),
        ("last_update_time > 0", lambda row: True),
    ]
    for filter_string, test in table:
        check(f"experiments: {filter_string}", sorted(row["name"] for row in newest if test(row)), sorted(found(filter_string)))
    for clause, key in {"name": lambda row: row["name"], "name DESC": None, "experiment_id": lambda row: made.index(row)}.items():
        expected = sorted(made, key=key or (lambda row: row["name"]), reverse=key is None)
        check(f"experiments: order by {clause}", [row["name"] for row in expected], found("", order_by=[clause]))
    check("experiments: newest first", [row["name"] for row in newest], found("", order_by=["creation_time DESC", "experiment_id DESC"]))
    seen, token = [], None
    while True:
        page = client.search_experiments(filter_string=f"name LIKE '{MARK}%'", max_results=3, page_token=token, order_by=["name"])
        seen += [experiment.name for experiment in page]
        token = page.token
        if not token:
            break
    check("experiments: pages", sorted(row["name"] for row in made), seen)


@section
def models_and_versions():
    models = [{"name": f"{MARK}.{name}", "tag": tag} for name, tag in (("Churn", "a"), ("churn2", "A"), ("fraud", None))]
    versions = []
    for index, model in enumerate(models):
        client.create_registered_model(model["name"], tags={"owner": model["tag"]} if model["tag"] else {})
        for number in range(1, 4):
            run = RUNS[(index * 3 + number) % 16]["id"]
            source = f"mlflow-artifacts:/{EXPERIMENT}/{run}/artifacts/model"
            tags = {"stage": f"s{number}"} if number > 1 else {}
            client.create_model_version(model["name"], source, run, tags=tags)
            versions.append({"name": model["name"], "version": number, "run": run, "source": source, "tag": tags.get("stage")})

    def found(filter_string, **arguments):
        return [model.name for model in client.search_registered_models(filter_string, **arguments) if model.name.startswith(MARK)]

    table = [
        *texts("name", field("name"), [models[0]["name"], f"{MARK}.c%", "%2"]),
        *texts("tags.owner", field("tag"), ["a", "a%"]),
        *texts("tag.`owner`", field("tag"), ["A"]),
    ]
    for filter_string, test in table:
        check(f"models: {filter_string}", sorted(row["name"] for row in models if test(row)), found(filter_string))
    of_all = f"name LIKE '{MARK}%'"
    check("models: order by name DESC", sorted((row["name"] for row in models), reverse=True), found(of_all, order_by=["name DESC"]))
    check("models: order by update", [models[2]["name"], models[1]["name"], models[0]["name"]],
          found(of_all, order_by=["last_updated_timestamp DESC", "name DESC"]))
    page = client.search_registered_models(of_all, max_results=2)
    rest = client.search_registered_models(of_all, max_results=2, page_token=page.token)
    check("models: pages", ([2, 1], False), ([len(page), len(rest)], bool(rest.token)))

    def numbers_of(filter_string, **arguments):
        return [(v.name, int(v.version)) for v in client.search_model_versions(filter_string, **arguments) if v.name.startswith(MARK)]

    def sorted_versions(filter_string):
        return numbers_of(filter_string, order_by=["name ASC", "version_number DESC"])

    usual = sorted(versions, key=lambda row: (row["name"], -row["version"]))
    runs = [versions[0]["run"], versions[4]["run"]]
    table = [
        *texts("name", field("name"), [models[0]["name"], f"{MARK}.C%"]),
        *numbers("version_number", field("version"), [2]),
        *texts("run_id", field("run"), runs[:1], {name: TEXT[name] for name in ("=", "!=")}),
        *[(f"run_id IN {listed(runs)}", lambda row: row["run"] in runs)],
        *texts("source_path", field("source"), [versions[2]["source"], f"%{versions[3]['run']}%"]),
        *texts("tags.stage", field("tag"), ["s2", "S%"]),
    ]
    for filter_string, test in table:
        check(f"versions: {filter_string}", [(row["name"], row["version"]) for row in usual if test(row)], sorted_versions(filter_string))
    check("versions: two conditions", [(models[1]["name"], 3)], numbers_of(f"name = '{models[1]['name']}' and version_number > 2"))
    for clause, key in {"version_number": lambda row: (row["version"], row["name"]),
                        "version_number DESC": lambda row: (-row["version"], row["name"]),
                        "name DESC": lambda row: ([-ord(c) for c in row["name"]], -row["version"]),
                        "creation_timestamp ASC": lambda row: versions.index(row)}.items():
        expected = [(row["name"], row["version"]) for row in sorted(versions, key=key)]
        got = numbers_of(of_all, order_by=[clause])
        if "timestamp" in clause:  # several are of one millisecond
            expected, got = sorted(expected), sorted(got)
        check(f"versions: order by {clause}", expected, got)
    pages = {"order_by": ["name"], "max_results": 4}
    page = client.search_model_versions(of_all, **pages)
    rest = client.search_model_versions(of_all, **{**pages, "max_results": 9}, page_token=page.token)
    check("versions: pages", [(row["name"], row["version"]) for row in usual], [(v.name, int(v.version)) for v in [*page, *rest]])


@section
def logged_models():
    if not IS_3:
        return
    models = []
    for index, (kind, depth) in enumerate([("Tree", "3"), ("tree", "30"), ("linear", None), (None, "3")]):
        made = client.create_logged_model(EXPERIMENT, name=f"model_{'aB'[index % 2]}{index}", model_type=kind or "", source_run_id=RUNS[index]["id"],
                                          params={"depth": depth} if depth else {}, tags={"team": f"T{index % 2}"})
        if index < 3:
            client.finalize_logged_model(made.model_id, "READY" if index else "FAILED")
        client.log_metric(RUNS[index]["id"], "score", index / 4, step=0, model_id=made.model_id, dataset_name=f"d{index % 2}", dataset_digest="x1")
        models.append({"name": made.name, "id": made.model_id, "type": kind or "", "depth": depth, "team": f"T{index % 2}", "score": index / 4,
                       "status": ["LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_READY", "LOGGED_MODEL_READY", "LOGGED_MODEL_PENDING"][index],
                       "run": RUNS[index]["id"], "created": made.creation_timestamp})

    def found(filter_string, **arguments):
        return [m.name for m in client.search_logged_models([EXPERIMENT], filter_string, **arguments)]

    table = [
        *texts("name", field("name"), ["model_a0", "MODEL_%", "model__2"]),
        *texts("model_id", field("id"), [models[1]["id"]]),
        *texts("model_type", field("type"), ["tree", "t%"]),
        *texts("attributes.source_run_id", field("run"), [RUNS[1]["id"]]),
        *texts("params.depth", field("depth"), ["3", "3%"]),
        *texts("tags.team", field("team"), ["T1", "t_"]),
        *lists("name", field("name"), ["model_a0", "model_B1"]),
        *lists("model_id", field("id"), [models[2]["id"]]),
        *lists("source_run_id", field("run"), [RUNS[1]["id"]]),
        *numbers("metrics.score", field("score"), [0.25]),
        *numbers("creation_timestamp", field("created"), [models[1]["created"]]),
        # MLflow's own server answers these with 500.
        *([] if IS_PEER else numbers("attributes.creation_timestamp", field("created"), [models[2]["created"]])),
        ("last_updated_timestamp > 0", lambda row: True),
    ]
    for filter_string, test in table:
        check(f"logged models: {filter_string}", sorted(row["name"] for row in models if test(row)), sorted(found(filter_string)))
    for direction in (True, False):
        expected = sorted(models, key=lambda row: row["score"], reverse=not direction)
        check(f"logged models: by metric, ascending {direction}", [row["name"] for row in expected],
              found("", order_by=[{"field_name": "metrics.score", "ascending": direction}]))
    check("logged models: by name", sorted(row["name"] for row in models), found("", order_by=[{"field_name": "name", "ascending": True}]))
    if not IS_PEER:  # MLflow's own server finds none then
        check("logged models: of a dataset", ["model_B1", "model_B3"], sorted(found("", datasets=[{"dataset_name": "d1"}])))
    check("logged models: metric on a dataset", ["model_B3"], found("metrics.score > 0.3", datasets=[{"dataset_name": "d1", "dataset_digest": "x1"}]))
    check("logged models: no such dataset", [], found("metrics.score > 0.3", datasets=[{"dataset_name": "d1", "dataset_digest": "y"}]))
    page = client.search_logged_models([EXPERIMENT], max_results=3)
    rest = client.search_logged_models([EXPERIMENT], max_results=3, page_token=page.token)
    check("logged models: pages", (4, False), (len({m.model_id for m in [*page, *rest]}), bool(rest.token)))


@section
def refusals():
    bad = "INVALID_PARAMETER_VALUE: "
    for filter_string, message in {
        "metrics.a > 1 or metrics.b > 1": "Invalid clause(s) in filter string: 'or'",
        "params.a = 1": "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1",
        'metrics.a > "a"': 'Expected numeric value type for metric. Found "a"',
        "foo.a = 'x'": "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
        "attributes.bad = 'x'": "Invalid attribute key 'bad' specified. Valid keys are '{…",
    }.items():
        refused(f"runs: refused {filter_string}", bad + message, lambda filter_string=filter_string: names(filter_string))
    refused("runs: bad order", bad + "Invalid…", lambda: names("", order_by=["bad.key DESC"]))
    refused("runs: bad token", bad + "Invalid page token, …", lambda: names("", page_token="%%%"))
    refused("runs: too many", bad + "Invalid value 50001 for parameter 'max_results' supplied…",
            lambda: names("", max_results=50_001))


done()
