"""Registered models: versions, aliases, stages, tags, rename, delete."""

from checks import IS_3, IS_PEER, MARK, check, client, done, log_folder, mlflow, refused, section
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression

NAME = f"registry-{MARK}"
RUN = client.create_run(client.create_experiment(f"registry-{MARK}")).info
SOURCE = f"{RUN.artifact_uri}/model"
log_folder(RUN.run_id, LogisticRegression().fit([[0.0, 1.0], [1.0, 0.0]], [0, 1]))


def new_version(name=NAME, **arguments):
    return client.create_model_version(name, SOURCE, RUN.run_id, **arguments)


@section
def models():
    made = client.create_registered_model(NAME, tags={"owner": "growth"}, description="first")
    check("model: fields", (NAME, "first", {"owner": "growth"}), (made.name, made.description, made.tags))
    refused("model: its name is taken", f"RESOURCE_ALREADY_EXISTS: Registered Model (name={NAME}) already exists.…",
            lambda: client.create_registered_model(NAME))
    client.update_registered_model(NAME, description="second ☃")
    client.set_registered_model_tag(NAME, "owner", "core")
    client.set_registered_model_tag(NAME, "gone", "1")
    client.delete_registered_model_tag(NAME, "gone")
    found = client.get_registered_model(NAME)
    check("model: changed", ("second ☃", {"owner": "core"}), (found.description, found.tags))
    check("model: times", True, made.creation_timestamp == found.creation_timestamp <= found.last_updated_timestamp)
    refused("model: unknown", "RESOURCE_DOES_NOT_EXIST: Registered Model with name=none not found…", lambda: client.get_registered_model("none"))
    if IS_3:
        refused("model: an empty name", "INVALID_PARAMETER_VALUE: Missing value for required parameter 'name'…",
                lambda: client.create_registered_model(""))


@section
def versions():
    one = new_version(tags={"a": "1"}, description="v1")
    two = new_version(run_link="https://example.org/run")
    check("version: numbers", ["1", "2"], [str(one.version), str(two.version)])
    check("version: fields", ("READY", "None", SOURCE, RUN.run_id, "v1", {"a": "1"}),
          (one.status, one.current_stage, one.source, one.run_id, one.description, one.tags))
    check("version: link", "https://example.org/run", two.run_link)
    client.update_model_version(NAME, "1", description="v1b")
    client.set_model_version_tag(NAME, "1", "b", "2")
    client.delete_model_version_tag(NAME, "1", "a")
    found = client.get_model_version(NAME, "1")
    check("version: changed", ("v1b", {"b": "2"}), (found.description, found.tags))
    check("version: where its files are", SOURCE, client.get_model_version_download_uri(NAME, "1"))
    refused("version: unknown", f"RESOURCE_DOES_NOT_EXIST: Model Version (name={NAME}, version=99) not found",
            lambda: client.get_model_version(NAME, "99"))
    refused("version: of no model", "RESOURCE_DOES_NOT_EXIST: Registered Model with name=none not found…", lambda: new_version("none"))
    new_version()
    client.delete_model_version(NAME, "3")
    refused("version: deleted", f"RESOURCE_DOES_NOT_EXIST: Model Version (name={NAME}, version=3) not found",
            lambda: client.get_model_version(NAME, "3"))
    check("version: its number is not given again", "4", str(new_version().version))


@section
def aliases():
    client.set_registered_model_alias(NAME, "champion", "1")
    client.set_registered_model_alias(NAME, "challenger", "2")
    client.set_registered_model_alias(NAME, "champion", "2")
    check("alias: moved", "2", str(client.get_model_version_by_alias(NAME, "champion").version))
    check("alias: of the model", {"champion": "2", "challenger": "2"}, {k: str(v) for k, v in client.get_registered_model(NAME).aliases.items()})
    check("alias: of the version", ["challenger", "champion"], sorted(client.get_model_version(NAME, "2").aliases))
    check("alias: of the other version", [], list(client.get_model_version(NAME, "1").aliases))
    client.delete_registered_model_alias(NAME, "challenger")
    client.delete_registered_model_alias(NAME, "challenger")
    check("alias: deleted", {"champion": "2"}, {k: str(v) for k, v in client.get_registered_model(NAME).aliases.items()})
    refused("alias: unknown", "INVALID_PARAMETER_VALUE: Registered model alias zz not found.…", lambda: client.get_model_version_by_alias(NAME, "zz"))
    refused("alias: to no version", f"RESOURCE_DOES_NOT_EXIST: Model Version (name={NAME}, version=99) not found",
            lambda: client.set_registered_model_alias(NAME, "champion", "99"))
    new = new_version()
    client.set_registered_model_alias(NAME, "short", new.version)
    client.delete_model_version(NAME, new.version)
    check("alias: goes with its version", ["champion"], list(client.get_registered_model(NAME).aliases))


@section
def not_servable():
    """What a server makes of a version's files is no reason to refuse it a name."""
    client.create_registered_model(f"{NAME}-bare")
    made = client.create_model_version(f"{NAME}-bare", f"{RUN.artifact_uri}/none", RUN.run_id)
    check("without files: ready all the same", "READY", made.status)
    client.set_registered_model_alias(f"{NAME}-bare", "champion", "1")
    check("without files: has an alias", "1", str(client.get_model_version_by_alias(f"{NAME}-bare", "champion").version))
    client.transition_model_version_stage(f"{NAME}-bare", "1", "Staging")
    check("without files: has a stage", "Staging", client.get_model_version(f"{NAME}-bare", "1").current_stage)


@section
def stages():
    client.transition_model_version_stage(NAME, "1", "Staging")
    client.transition_model_version_stage(NAME, "2", "staging")
    check("stage: two in one", ["Staging", "Staging"], [client.get_model_version(NAME, v).current_stage for v in ("1", "2")])
    moved = client.transition_model_version_stage(NAME, "1", "Production", archive_existing_versions=True)
    check("stage: moved", "Production", moved.current_stage)
    client.transition_model_version_stage(NAME, "2", "Production", archive_existing_versions=True)
    check("stage: the old one is archived", ["Archived", "Production"], [client.get_model_version(NAME, v).current_stage for v in ("1", "2")])
    latest = {v.current_stage: str(v.version) for v in client.get_latest_versions(NAME)}
    check("stage: latest of each", {"Archived": "1", "Production": "2"}, {k: latest.get(k) for k in ("Archived", "Production")})
    check("stage: latest of one", ["2"], [str(v.version) for v in client.get_latest_versions(NAME, ["Production"])])
    refused("stage: unknown", "INVALID_PARAMETER_VALUE: Invalid Model Version stage: foo. Value must be one of None, Staging, Production, Archived.",
            lambda: client.transition_model_version_stage(NAME, "1", "foo"))


@section
def renaming():
    client.rename_registered_model(NAME, f"{NAME}-new")
    refused("rename: the old name is gone", f"RESOURCE_DOES_NOT_EXIST: Registered Model with name={NAME} not found…",
            lambda: client.get_registered_model(NAME))
    check("rename: versions come along", "2", str(client.get_model_version_by_alias(f"{NAME}-new", "champion").version))
    client.create_registered_model(NAME)
    refused("rename: to a name that is taken", f"RESOURCE_ALREADY_EXISTS: Registered Model (name={NAME}) already exists.…",
            lambda: client.rename_registered_model(f"{NAME}-new", NAME))
    client.rename_registered_model(f"{NAME}-new", f"{NAME}-b")
    check("rename: again", "2", str(client.get_model_version_by_alias(f"{NAME}-b", "champion").version))


@section
def deleting():
    gone = f"{NAME}-gone"
    client.create_registered_model(gone)
    client.set_registered_model_alias(gone, "champion", new_version(gone).version)
    client.delete_registered_model(gone)
    refused("delete: gone", f"RESOURCE_DOES_NOT_EXIST: Registered Model with name={gone} not found…", lambda: client.get_registered_model(gone))
    check("delete: its versions too", [], list(client.search_model_versions(f"name = '{gone}'")))
    client.create_registered_model(gone)
    check("delete: a new one starts at 1", "1", str(new_version(gone).version))
    check("delete: aliases are gone", {}, client.get_registered_model(gone).aliases)
    if not IS_PEER:  # its stage Production is the alias production, which is a deployment
        refused("delete: one that serves stays", f"INVALID_PARAMETER_VALUE: Registered Model (name={NAME}-b) serves the deployment…",
                lambda: client.delete_registered_model(f"{NAME}-b"))


@section
def prompts():
    if not IS_3:
        return
    name = f"prompt-{MARK}"
    mlflow.genai.register_prompt(name=name, template="Hello {{name}}", commit_message="first")
    loaded = mlflow.genai.load_prompt(f"prompts:/{name}/1")
    check("prompt: read back", "Hello {{name}}", loaded.template)
    check("prompt: no model", False, name in [model.name for model in client.search_registered_models()])
    check("prompt: found as one", [name], [prompt.name for prompt in mlflow.genai.search_prompts(f"name = '{name}'")])


@section
def any_name():
    for name in (f"a.b c-{MARK}", f"ünï-{MARK}"):
        client.create_registered_model(name)
        check(f"model named {name[:4]}", [name], [m.name for m in client.search_registered_models(f"name = '{name}'")])
        client.delete_registered_model(name)
    try:
        client.create_registered_model(f"a/b:{MARK}")
        client.delete_registered_model(f"a/b:{MARK}")
        got = "made"
    except MlflowException as error:
        got = error.error_code
    check("model named with a slash: made, or refused in words", True, got in ("made", "INVALID_PARAMETER_VALUE"))


done()
