"""Files of runs: 0 B to 200 MB up and down, folders, names, list, delete."""

import hashlib
import os
import tempfile

from checks import MARK, URL, ask, check, client, done, mlflow, section
from mlflow.exceptions import MlflowException

MEBIBYTE = 1 << 20
EXPERIMENT = client.create_experiment(f"artifacts-{MARK}")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(path, size):
    """Bytes that do not compress, made quickly."""
    block = os.urandom(min(size, MEBIBYTE))
    with open(path, "wb") as file:
        for start in range(0, size, MEBIBYTE):
            file.write(start.to_bytes(8, "big") + block[8 : min(MEBIBYTE, size - start)] if size - start >= 8 else block[: size - start])
    return digest(path)


def new_run():
    return client.create_run(EXPERIMENT).info.run_id


@section
def sizes():
    run = new_run()
    with tempfile.TemporaryDirectory() as folder:
        for name, size in {"empty": 0, "small": 1024, "middle": MEBIBYTE, "large": 200 * MEBIBYTE}.items():
            path = f"{folder}/{name}.bin"
            expected = write(path, size)
            client.log_artifact(run, path, "sizes")
            os.remove(path)
            back = client.download_artifacts(run, f"sizes/{name}.bin", folder)
            check(f"{size} bytes: there and back", expected, digest(back))
            os.remove(back)
    found = [(file.path, file.is_dir, file.file_size or 0) for file in client.list_artifacts(run, "sizes")]
    expected = {"empty": 0, "large": 200 * MEBIBYTE, "middle": MEBIBYTE, "small": 1024}
    check("sizes: list", [(f"sizes/{name}.bin", False, size) for name, size in expected.items()], found)
    check("sizes: list of the root", [("sizes", True, None)], [(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run)])


@section
def in_parts():
    """As clients do from 500 MiB on, where a server says that it can; here from 12 MiB on, whatever it says."""
    small = {"MINIMUM_FILE_SIZE": 12 * MEBIBYTE, "CHUNK_SIZE": 5 * MEBIBYTE}
    limits = {f"MLFLOW_MULTIPART_{way}_{name}": str(size) for way in ("UPLOAD", "DOWNLOAD") for name, size in small.items()}
    os.environ.update(limits, MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD="true", MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD="true")
    run = new_run()
    with tempfile.TemporaryDirectory() as folder:
        expected = write(f"{folder}/parts.bin", 33 * MEBIBYTE + 17)
        client.log_artifact(run, f"{folder}/parts.bin", "parts & more")
        os.remove(f"{folder}/parts.bin")
        check("in parts: there and back", expected, digest(client.download_artifacts(run, "parts & more/parts.bin", folder)))
    found = [(file.path, file.file_size) for file in client.list_artifacts(run, "parts & more")]
    check("in parts: one file", [("parts & more/parts.bin", 33 * MEBIBYTE + 17)], found)
    for name in (*limits, "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"):
        del os.environ[name]


@section
def folders():
    run = new_run()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.txt", "deep/er/b.txt", "with space & sign+.txt", "ünï/☃.txt"):
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            with open(f"{folder}/{name}", "w") as file:
                file.write(name)
        client.log_artifacts(run, folder, "tree")
        with tempfile.TemporaryDirectory() as back:
            client.download_artifacts(run, "tree", back)
            found = sorted(os.path.relpath(os.path.join(at, name), f"{back}/tree") for at, _, names in os.walk(back) for name in names)
            check("folders: there and back", ["a.txt", "deep/er/b.txt", "with space & sign+.txt", "ünï/☃.txt"], found)
            check("folders: what is in it", found, [open(f"{back}/tree/{name}").read() for name in found])
    check("folders: list", ["tree/a.txt", "tree/deep", "tree/with space & sign+.txt", "tree/ünï"],
          [file.path for file in client.list_artifacts(run, "tree")])
    check("folders: list of one below", ["tree/deep/er/b.txt"], [file.path for file in client.list_artifacts(run, "tree/deep/er")])
    check("folders: list of a file", [], list(client.list_artifacts(run, "tree/a.txt")))
    check("folders: list of nothing", [], list(client.list_artifacts(run, "none")))


@section
def overwriting():
    run = new_run()
    client.log_text(run, "first", "note.txt")
    client.log_text(run, "second", "note.txt")
    client.log_dict(run, {"a": [1, None]}, "a/b.json")
    client.log_dict(run, {"a": [1, None]}, "a/b.yaml")
    check("text: the last one counts", "second", mlflow.artifacts.load_text(f"runs:/{run}/note.txt"))
    check("dict: as JSON", {"a": [1, None]}, mlflow.artifacts.load_dict(f"runs:/{run}/a/b.json"))
    check("by its address", "second", mlflow.artifacts.load_text(f"{client.get_run(run).info.artifact_uri}/note.txt"))
    import numpy
    import pandas

    client.log_image(run, numpy.zeros((2, 2, 3), dtype="uint8"), "black.png")
    client.log_table(run, pandas.DataFrame({"a": [1, 2]}), "table.json")
    client.log_table(run, pandas.DataFrame({"a": [3]}), "table.json")
    check("table: appended", [1, 2, 3], list(client.load_table(EXPERIMENT, "table.json", run_ids=[run])["a"]))


@section
def missing():
    run = new_run()
    try:
        client.download_artifacts(run, "none.txt")
        got = "downloaded"
    except (MlflowException, OSError):
        got = "refused"
    check("missing: refused", "refused", got)


@section
def through_the_api():
    run = new_run()
    client.log_text(run, "0123456789", "d/digits.txt")
    status, listing = ask("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run}&path=d")
    check("api: list", (200, [{"path": "d/digits.txt", "is_dir": False, "file_size": 10}]), (status, listing.get("files")))
    check("api: root", client.get_run(run).info.artifact_uri, listing["root_uri"])
    import requests

    answer = requests.get(f"{URL}/get-artifact", {"run_id": run, "path": "d/digits.txt"}, timeout=20)
    check("api: get-artifact", (200, "0123456789"), (answer.status_code, answer.text))
    path = f"/api/2.0/mlflow-artifacts/artifacts/{EXPERIMENT}/{run}/artifacts/d"
    check("proxy: names are base names", [{"path": "digits.txt", "is_dir": False, "file_size": 10}],
          ask("GET", f"/api/2.0/mlflow-artifacts/artifacts?path={EXPERIMENT}/{run}/artifacts/d")[1]["files"])
    answer = requests.get(f"{URL}{path}/digits.txt", timeout=20)
    check("proxy: headers", (200, "nosniff", True),
          (answer.status_code, answer.headers.get("x-content-type-options"), "attachment" in answer.headers.get("content-disposition", "")))
    check("proxy: delete", (200, {}), ask("DELETE", f"{path}/digits.txt"))
    check("proxy: deleted", [], list(client.list_artifacts(run, "d")))
    check("proxy: delete what is not there", (200, {}), ask("DELETE", f"{path}/digits.txt"))
    status, refusal = ask("GET", "/api/2.0/mlflow-artifacts/artifacts/%2e%2e/x")
    check("proxy: a path that leaves", (400, "INVALID_PARAMETER_VALUE", "Invalid path"), (status, refusal["error_code"], refusal["message"]))


done()
