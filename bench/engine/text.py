"""Trains text pipelines on lines of label TAB text and times them where they come from.

    bench/.cache/venv/bin/python bench/engine/text.py FILE FOLDER

Writes per model NAME.joblib and NAME.predict.json, and once texts.json and text-times.json (microseconds of processor time per row).
"""
import json
import os
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import joblib
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline

FILE, FOLDER = sys.argv[1:]
MODELS = {
    "words": make_pipeline(TfidfVectorizer(), LogisticRegression()),
    "two words": make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression()),
    "characters": make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)), LogisticRegression()),
    "hashed": make_pipeline(HashingVectorizer(), SGDClassifier(random_state=7)),
}


def best_micros(run, rows, times):
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best / rows * 1e6


with open(FILE, encoding="utf8") as file:
    labels, texts = zip(*(line.rstrip("\n").split("\t", 1) for line in file))
half = len(texts) // 2
rows = list(texts[half:])
os.makedirs(FOLDER, exist_ok=True)
times = {}
for name, model in MODELS.items():
    model.fit(texts[:half], labels[:half])
    path = os.path.join(FOLDER, name)
    joblib.dump(model, path + ".joblib")
    with open(path + ".predict.json", "w") as file:
        json.dump(model.predict(rows).tolist(), file)
    single = best_micros(lambda: [model.predict([text]) for text in rows[:100]], 100, 5)
    times[name] = {"single": single, "batch": best_micros(lambda: model.predict(rows), len(rows), 5)}
for name, content in {"texts": rows, "text-times": times}.items():
    with open(os.path.join(FOLDER, name + ".json"), "w") as file:
        json.dump(content, file)
