"""Webhooks of the registry, made by the client and told to a receiver of its own, at the port in WEBHOOK_PORT."""

import base64
import hashlib
import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from checks import IS_3, IS_PEER, MARK, check, client, done, refused, section

NAME = f"webhooks-{MARK}"
SECRET = "a secret of ours"
got = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        got.append((dict(self.headers.items()), body))
        # The first is not taken, and sent again.
        self.send_response(500 if len(got) == 1 else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


def wait_for(count):
    until = time.monotonic() + 30
    while len(got) < count and time.monotonic() < until:
        time.sleep(0.05)


def webhooks():
    from mlflow.entities.webhook import WebhookEvent

    port = int(os.environ["WEBHOOK_PORT"])
    server = HTTPServer(("127.0.0.1", port), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{port}/hook"
    events = ["registered_model.created", "model_version.created", "model_version_tag.set", "model_version_alias.created",
              "model_version_alias.deleted", "model_version_tag.deleted"]
    made = client.create_webhook(NAME, url, events, description="first", secret=SECRET)
    check("webhook: fields", (NAME, url, "first", "ACTIVE", events, None),
          (made.name, made.url, made.description, str(made.status), [str(event) for event in made.events], made.secret))
    found = client.get_webhook(made.webhook_id)
    check("webhook: got", (made.webhook_id, None), (found.webhook_id, found.secret))
    check("webhook: listed", True, made.webhook_id in [one.webhook_id for one in client.list_webhooks()])

    client.create_registered_model(NAME, tags={"owner": "growth"}, description="of webhooks")
    version = client.create_model_version(NAME, "s3://bucket/model", tags={"a": "1"}).version
    client.set_model_version_tag(NAME, version, "b", "2")
    client.set_registered_model_alias(NAME, "best", version)
    client.delete_registered_model_alias(NAME, "best")
    client.delete_model_version_tag(NAME, version, "b")
    wait_for(7)
    told = [json.loads(body) for _, body in got]
    check("webhook: sent again", True, got[0][1] == got[1][1] and got[0][0]["x-mlflow-delivery-id"] == got[1][0]["x-mlflow-delivery-id"])
    named = {"name": NAME, "version": "1"}
    check("webhook: told in order", [
        ("registered_model.created", {"name": NAME, "tags": {"owner": "growth"}, "description": "of webhooks"}),
        ("model_version.created", {**named, "source": "s3://bucket/model", "run_id": None, "tags": {"a": "1"}, "description": None}),
        ("model_version_tag.set", {**named, "key": "b", "value": "2"}),
        ("model_version_alias.created", {"name": NAME, "alias": "best", "version": "1"}),
        ("model_version_alias.deleted", {"name": NAME, "alias": "best"}),
        ("model_version_tag.deleted", {**named, "key": "b"}),
    ], [(f"{one['entity']}.{one['action']}", one["data"]) for one in told[1:]])
    headers, body = got[-1]
    signed = f"{headers['x-mlflow-delivery-id']}.{headers['x-mlflow-timestamp']}.{body.decode()}"
    expected = "v1," + base64.b64encode(hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()).decode()
    check("webhook: signed", (expected, expected), (headers["x-mlflow-signature"], headers["webhook-signature"]))

    result = client.test_webhook(made.webhook_id, "prompt.created")
    check("webhook: tested", (True, 204, None), (result.success, result.response_status, result.response_body))
    changed = client.update_webhook(made.webhook_id, name="other", status="DISABLED", events=[WebhookEvent("prompt", "created")])
    check("webhook: changed", ("other", "DISABLED", ["prompt.created"]),
          (changed.name, str(changed.status), [str(event) for event in changed.events]))
    refused("webhook: an inner address", "INVALID_PARAMETER_VALUE: Invalid webhook URL…",
            lambda: client.create_webhook("inner", "https://169.254.169.254/latest/meta-data", events))
    client.delete_webhook(made.webhook_id)
    refused("webhook: deleted", f"RESOURCE_DOES_NOT_EXIST: Webhook with ID {made.webhook_id} not found.",
            lambda: client.get_webhook(made.webhook_id))
    server.shutdown()


if IS_3 and not IS_PEER:
    section(webhooks)
else:
    # Clients of 2.x have no webhooks; MLflow's own server posts to no address of this machine.
    check("webhook: not in this client", IS_3, hasattr(client, "create_webhook"))
done()
