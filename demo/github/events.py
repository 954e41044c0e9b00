"""Which Apps hear of an event, and what the payload around it looks like."""

from collections.abc import Callable
from typing import Any

from demo.github.deliveries import Postman, new_guid
from demo.github.records import App, Installation, Repository
from demo.github.shapes import people
from demo.github.shapes.repository import repository as draw_repository
from demo.github.view import Json, View, node_id
from demo.github.world import World

Draw = Callable[[View], Json]


class Courier:
    """Turns a happening into payloads, one for every installed App that subscribed to it. Call under the lock."""

    def __init__(self, world: World, postman: Postman) -> None:
        self.world = world
        self.postman = postman

    @property
    def view(self) -> View:
        return View(self.world, self.world.base_url)

    def emit(
        self,
        event: str,
        action: str | None,
        repository: Repository,
        sender: str,
        draw: Draw,
        only_app: int | None = None,
    ) -> None:
        """Sends `event` about `repository` to its subscribers; `draw` makes the event's own part of the payload."""
        guid = new_guid()
        hearers = [
            installation
            for installation in self.world.installations_on(repository)
            if event in installation.events and (only_app is None or installation.app_id == only_app)
        ]
        if not hearers:
            return
        view = self.view
        body: dict[str, Any] = {} if action is None else {"action": action}
        body |= draw(view)
        body["repository"] = {**draw_repository(view, repository), **body.pop("repository", {})}
        if self.world.user(repository.owner).type == "Organization":
            body["organization"] = people.organization(view, repository.owner)
        body["sender"] = people.user(view, sender)
        for installation in hearers:
            payload = {**body, "installation": _mark(installation)}
            self.postman.post(
                self.world.apps[installation.app_id],
                event,
                action,
                payload,
                guid=guid,
                installation_id=installation.id,
                repository_id=repository.id,
            )

    def installation(self, action: str, installation: Installation, sender: str) -> None:
        """Tells an App about its own installation; these events need no subscription."""
        view = self.view
        payload = {
            "action": action,
            "installation": people.installation(view, installation),
            "repositories": [
                {
                    "id": r.id,
                    "node_id": node_id("R", r.id),
                    "name": r.name,
                    "full_name": r.full_name,
                    "private": r.private,
                }
                for r in self.world.covered_by(installation)
            ],
            "requester": None,
            "sender": people.user(view, sender),
        }
        app = self.world.apps[installation.app_id]
        self.postman.post(app, "installation", action, payload, guid=new_guid(), installation_id=installation.id)

    def ping(self, app: App) -> None:
        """What GitHub sends when a hook is made."""
        hook = app.hook
        payload = {
            "zen": "Practicality beats purity.",
            "hook_id": hook.id,
            "hook": {
                "type": "App",
                "id": hook.id,
                "name": "web",
                "active": True,
                "events": app.events,
                "config": {"content_type": hook.content_type, "url": hook.url, "insecure_ssl": "0"},
                "updated_at": self._stamp(app),
                "created_at": self._stamp(app),
                "app_id": app.id,
                "deliveries_url": self.view.api("/app/hook/deliveries"),
            },
        }
        self.postman.post(app, "ping", None, payload, guid=new_guid())

    def _stamp(self, app: App) -> str:
        made: str = people.app(self.view, app)["created_at"]
        return made


def _mark(installation: Installation) -> Json:
    return {"id": installation.id, "node_id": node_id("MDIzOk", installation.id)}
