"""Writes the cases of fixtures/chains: what people keep in a folder, and what their own code answers with it.

    python -m venv venv && venv/bin/pip install scikit-learn==1.7.2 numpy==2.2.6 pandas==2.3.3 cloudpickle==3.1.2
    venv/bin/python make-chains.py fixtures/chains

Each case is a folder with one or several pickles and a case.json: how the files are given, the rows, what glue code as
an application has it answers to them (null: it raises), and for refusals a part of the message.
"""

import json
import pickle
import sys
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

OUT = Path(sys.argv[1])
random = np.random.default_rng(11)
SIZE = 160


def table():
    frame = pd.DataFrame(
        {
            "brand": random.choice(["acer", "dell", "hp", "lenovo"], SIZE),
            "city": random.choice(["Lima", "Oslo", "Quito"], SIZE),
            "age": random.integers(1, 90, SIZE),
            "income": np.round(random.normal(3000, 900, SIZE), 2),
            "visits": random.integers(0, 40, SIZE),
        }
    )
    score = frame.age / 30 + frame.income / 2000 + (frame.brand == "hp") + random.normal(0, 0.5, SIZE)
    return frame, (score > score.median()).astype(int).to_numpy(), score.to_numpy()


FRAME, LABEL, SCORE = table()
NUMBERS = ["age", "income", "visits"]


def plain(value):
    return value.item() if isinstance(value, np.generic) else value


def answers(predict, rows, methods):
    """One answer per row and method; None where the application's code raises."""
    result = {method: [] for method in methods}
    for row in rows:
        for method in methods:
            try:
                result[method].append(predict(row, method)[0].tolist())
            except (ValueError, KeyError, TypeError):
                result[method].append(None)
    return result


def dump(content, protocol):
    """A lambda needs cloudpickle, which MLflow and others use."""
    try:
        return pickle.dumps(content, protocol=protocol)
    except (pickle.PicklingError, AttributeError):
        return cloudpickle.dumps(content, protocol=protocol)


def write(name, files, rows=(), predict=None, methods=("predict",), **given):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / file).write_bytes(dump(content, protocol=4))
    rows = [{key: plain(value) for key, value in row.items()} for row in rows]
    case = {"given": given.pop("given", {"model": "model.pkl"}), **given, "rows": rows}
    if predict is not None:
        case["expected"] = answers(predict, rows, methods)
    (folder / "case.json").write_text(json.dumps(case) + "\n")


def records(columns, extra=()):
    return [*FRAME[columns].head(24).to_dict("records"), *extra]


BOTH = ("predict", "predict_proba")
scaler = StandardScaler().fit(FRAME[NUMBERS].to_numpy())
logistic = LogisticRegression().fit(scaler.transform(FRAME[NUMBERS].to_numpy()), LABEL)


def scaled(row, method):
    x = np.array([[row[column] for column in NUMBERS]], dtype=float)
    return getattr(logistic, method)(scaler.transform(x))


missing = {"age": 3, "income": None, "visits": 2}
bundle = {"model": logistic, "scaler": scaler, "columns": NUMBERS, "version": "1.4", "threshold": 0.4}
write("dictionary", {"model.pkl": bundle}, records(NUMBERS, [missing]), scaled, BOTH)
write("tuple", {"model.pkl": (scaler, logistic, NUMBERS)}, records(NUMBERS), scaled, BOTH)
write("tuple-model-first", {"model.pkl": (logistic, scaler)}, records(NUMBERS), scaled, BOTH)
piped = make_pipeline(scaler, logistic)
write(
    "pipeline-with-its-scaler",
    {"model.pkl": {"pipeline": piped, "scaler": scaler, "columns": NUMBERS}},
    records(NUMBERS),
    lambda row, method: getattr(piped, method)(np.array([[row[column] for column in NUMBERS]], dtype=float)),
    BOTH,
)
two = {"model.pkl": logistic, "scaler.pkl": scaler}
given = {"model": "model.pkl", "after": ["scaler.pkl"], "columns": NUMBERS}
write("two-files", two, records(NUMBERS), scaled, BOTH, given=given)
given = {"model": "all.pkl#clf", "after": ["all.pkl#prep"], "columns": NUMBERS}
write("picked-entries", {"all.pkl": {"clf": logistic, "prep": scaler, "lookup": {"a": 1}}}, records(NUMBERS), scaled, BOTH, given=given)

imputer = SimpleImputer(strategy="median").fit(FRAME[NUMBERS].to_numpy())
holes = [{"age": None, "income": 2500.5, "visits": 4}, {"age": None, "income": None, "visits": None}]
write(
    "imputer-and-scaler",
    {"model.pkl": {"scaler": scaler, "imputer": imputer, "clf": logistic, "feature_names": pd.Index(NUMBERS)}},
    records(NUMBERS, holes),
    lambda row, method: getattr(logistic, method)(
        scaler.transform(imputer.transform(np.array([[row[c] for c in NUMBERS]], dtype=float)))
    ),
    BOTH,
)

encoders = {column: LabelEncoder().fit(FRAME[column]) for column in ["brand", "city"]}
encoded = FRAME.assign(**{column: encoder.transform(FRAME[column]) for column, encoder in encoders.items()})
forest = RandomForestClassifier(n_estimators=4, max_depth=4, random_state=3).fit(encoded, LABEL)


def labelled(row, method):
    frame = pd.DataFrame([row])
    for column, encoder in encoders.items():
        frame[column] = encoder.transform(frame[column])
    return getattr(forest, method)(frame)


unseen = {"brand": "asus", "city": "Lima", "age": 3, "income": 1.5, "visits": 2}
rows = records(list(FRAME.columns), [unseen])
write("label-encoders", {"model.pkl": {"model": forest, "encoders": encoders}}, rows, labelled, BOTH)
beside = {"model": forest, "le_brand": encoders["brand"], "city_encoder": encoders["city"]}
write("encoders-by-name", {"model.pkl": beside}, rows, labelled, BOTH)
inner = {"clf": forest, "maps": {**encoders, "bought": LabelEncoder().fit(["no", "yes"])}}
given = {"model": "all.pkl#clf", "encode": ["brand=all.pkl#maps/brand", "city=all.pkl#maps/city"]}
write("entries-of-entries", {"all.pkl": inner}, rows, labelled, BOTH, given=given)
given = {"model": "model.pkl", "encode": ["brand=encoders.pkl#brand", "city=encoders.pkl#city"]}
write("encoder-file", {"model.pkl": forest, "encoders.pkl": encoders}, rows, labelled, BOTH, given=given)

numeric = {"visits": LabelEncoder().fit(FRAME.visits)}
counted = FRAME[NUMBERS].assign(visits=numeric["visits"].transform(FRAME.visits))
tree = DecisionTreeClassifier(max_depth=5, random_state=0).fit(counted, LABEL)
write(
    "label-encoder-of-numbers",
    {"model.pkl": {"encoders": numeric, "model": tree}},
    records(NUMBERS, [{"age": 3, "income": 1.5, "visits": 99}]),
    lambda row, method: getattr(tree, method)(
        pd.DataFrame([row]).assign(visits=lambda frame: numeric["visits"].transform(frame.visits))
    ),
    BOTH,
)

partial = StandardScaler().fit(FRAME[["age", "income"]])
mixed = encoded.copy()
mixed[["age", "income"]] = partial.transform(FRAME[["age", "income"]])
boosted = RandomForestRegressor(n_estimators=4, max_depth=4, random_state=1).fit(mixed, SCORE)


def in_place(row, _):
    frame = pd.DataFrame([row])
    for column, encoder in encoders.items():
        frame[column] = encoder.transform(frame[column])
    frame[["age", "income"]] = frame[["age", "income"]].astype(float)
    frame[["age", "income"]] = partial.transform(frame[["age", "income"]])
    return boosted.predict(frame)


write(
    "scaler-of-some-columns",
    {"model.pkl": {"regressor": boosted, "scaler": partial, "label_encoders": encoders, "metrics": {"r2": 0.8}}},
    rows,
    in_place,
)

vectorizer = DictVectorizer(sparse=False)
taxi = FRAME[["brand", "city", "age"]].to_dict("records")
linear = LinearRegression().fit(vectorizer.fit_transform(taxi), SCORE)
write(
    "vectorizer-and-model",
    {"model.bin": (vectorizer, linear)},
    [{"record": json.dumps(record)} for record in taxi[:16]],
    lambda row, _: linear.predict(vectorizer.transform([json.loads(row["record"])])),
    given={"model": "model.bin"},
)

one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(FRAME[["brand", "city"]])
plain_model = LogisticRegression().fit(one_hot.transform(FRAME[["brand", "city"]]), LABEL)
write(
    "one-hot-and-model",
    {"model.pkl": [one_hot, plain_model]},
    records(["brand", "city"], [{"brand": "asus", "city": "Lima"}]),
    lambda row, method: getattr(plain_model, method)(one_hot.transform(pd.DataFrame([row]))),
    BOTH,
)

words = np.array(["good fast", "bad slow", "good good cheap", "slow bad bad", "fast cheap", "slow"])
counts = CountVectorizer().fit(words)
weights = TfidfTransformer().fit(counts.transform(words))
judge = LogisticRegression().fit(weights.transform(counts.transform(words)), [1, 0, 1, 0, 1, 0])
write(
    "text-in-three-parts",
    {"model.pkl": {"clf": judge, "tfidf_transformer": weights, "vectorizer": counts}},
    [{"text": text} for text in ["good and slow", "fast bad good", "nothing known"]],
    lambda row, method: getattr(judge, method)(weights.transform(counts.transform([row["text"]]))),
    BOTH,
)


def clip_age(x):
    return np.minimum(x, 80)


class AgeBuckets(BaseEstimator):
    pass


clip_age.__module__ = AgeBuckets.__module__ = "__main__"


def with_step(name, step):
    return Pipeline([("scale", scaler), (name, step), ("model", logistic)])


ordinal = OrdinalEncoder().fit(FRAME[["brand"]])
for name, content, part in [
    ("refused-two-models", {"rf": forest, "lr": logistic}, "choose one: FILE#rf"),
    ("refused-no-model", {"scaler": scaler, "columns": NUMBERS}, "MODEL_FILE --after FILE#scaler"),
    ("refused-only-encoders", {"encoders": encoders}, "--encode brand=FILE#encoders/brand"),
    ("refused-encoder-of-target", inner, "encoder of 'bought': no column of this name goes in"),
    ("refused-target-scaler", {"model": logistic, "scaler_y": scaler}, "what 'scaler_y' does to a row cannot be told"),
    ("refused-scaled-twice", {"model": piped, "scaler": StandardScaler().fit(FRAME[NUMBERS].to_numpy())}, "what 'scaler' does to a row cannot be told"),
    ("refused-encoders-alone", encoders, "--encode brand=FILE#brand"),
    ("refused-order", {"model": logistic, "a": scaler, "b": StandardScaler().fit(FRAME[NUMBERS])}, "--after FILE#a --after FILE#b"),
    ("refused-label-encoder", {"model": logistic, "le": encoders["brand"]}, "--encode COLUMN=FILE#le"),
    ("refused-lookup", {"model": logistic, "lookup": {"acer": 1}}, "what 'lookup' does to a row cannot be told"),
    ("refused-part-of-columns", {"model": logistic, "scaler": partial, "columns": NUMBERS}, "where its columns go cannot be told"),
    ("refused-names", NUMBERS, "MODEL_FILE --columns a,b,c"),
    ("refused-frame", FRAME.head(3), "a pandas DataFrame: data"),
    ("refused-series", FRAME.age.head(3), "a pandas Series: data"),
    ("refused-own-function", {"predict": clip_age}, "__main__.clip_age"),
    ("refused-own-step", with_step("clip", FunctionTransformer(clip_age)), "step 'clip': sklearn.preprocessing.FunctionTransformer calls __main__.clip_age, a function of your own"),
    ("refused-own-class", (with_step("buckets", AgeBuckets()), NUMBERS), "step 'buckets': class __main__.AgeBuckets is not known; it is of your own program"),
    ("refused-lambda", {"model": with_step("log", FunctionTransformer(lambda x: x + 1))}, "step 'log': the file would call cloudpickle"),
]:
    write(name, {"model.pkl": content}, refusal=part)
