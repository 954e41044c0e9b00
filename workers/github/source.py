"""GitHub as a source of tasks: acknowledged there, shown there, published there."""

from forges.github import GitHubApp, NotFound
from forges.github.base_branch import BaseSources, NoSuchBase, choose_base
from repositories import Mirror
from store import Stage
from workers import questions
from workers.decisions import EndTask, Move
from workers.facts import facts_at
from workers.github import explaining, publishing, showing, tickets
from workers.github.desk import Desk
from workers.workshop import Prepared, TaskContext


class GitHubSource:
    """The Source of tasks that came from GitHub."""

    def __init__(self, app: GitHubApp) -> None:
        self.desk = Desk(app)

    def acknowledge(self, context: TaskContext) -> None:
        """Eyes on what asked, then the one comment that is kept up to date."""
        task = context.task()
        repository = self.desk.repository(context)
        number = task.number or 0
        repository.issues.react(number, "eyes", comment_id=task.request.get("comment_id"))
        self.show(context)

    def prepare(self, context: TaskContext) -> Prepared:
        """Where the work starts, by the order of `forges.github.base_branch`; the ticket is completed on the way."""
        task = context.task()
        repository = self.desk.repository(context)
        try:
            info = repository.info()
        except NotFound:
            raise EndTask(Stage.FAILED, "the repository is gone, or the App may no longer see it") from None
        if info.archived:
            raise EndTask(Stage.NEEDS_HUMAN, "the repository is archived: nothing can be pushed to it")
        context.record(ticket=tickets.complete(context, self.desk))
        context.remember(
            clone_url=info.clone_url,
            default_branch=info.default_branch,
            committer=list(self.desk.identity_for(context).committer),
        )
        mirror = self.mirror(context)
        mirror.fetch()
        pull_number = task.number if task.is_pull_request else task.request.get("pull_number")
        if pull_number is not None and (prepared := self._on_pull_request(context, mirror, int(pull_number))):
            return prepared
        return self._on_issue(context, mirror, info.default_branch)

    def _on_pull_request(self, context: TaskContext, mirror: Mirror, number: int) -> Prepared | None:
        """On a pull request the work goes to its own branch, never to a new one."""
        task = context.task()
        pull = self.desk.repository(context).pulls.get(number)
        if pull.state != "open":
            if task.is_pull_request:
                raise EndTask(Stage.NEEDS_HUMAN, f"pull request #{number} is {pull.state}")
            return None
        if pull.from_fork:
            raise EndTask(
                Stage.NEEDS_HUMAN,
                f"pull request #{number} comes from a fork, and the App cannot push there. "
                "Push the branch to this repository, or make the change in the fork.",
            )
        context.remember(pushed_sha=pull.head_sha, own_pull=not task.is_pull_request)
        own = None if task.is_pull_request else mirror.merge_base(pull.base_sha, pull.head_sha)
        return Prepared(
            base_branch=pull.head_ref if task.is_pull_request else pull.base_ref,
            why=f"head of pull request #{number}" if task.is_pull_request else f"pull request #{number} is continued",
            base_sha=own or pull.head_sha,
            start_sha=pull.head_sha,
            branch=pull.head_ref,
            pull_number=number,
        )

    def _on_issue(self, context: TaskContext, mirror: Mirror, default_branch: str) -> Prepared:
        task = context.task()
        request = task.request
        configured = None
        if mirror.remote_head(default_branch) is not None:
            settings = facts_at(mirror, mirror.resolve(default_branch)).settings
            configured = settings.base if settings is not None and settings.usable else None
        sources = BaseSources(
            default_branch=default_branch,
            explicit=request.get("base"),
            labels=tuple(request.get("labels", ())),
            milestone=request.get("milestone"),
            configured=configured,
        )
        try:
            choice = choose_base(sources, lambda branch: mirror.remote_head(branch) is not None)
        except NoSuchBase as missing:
            if mirror.remote_head(default_branch) is None:
                raise EndTask(
                    Stage.NEEDS_HUMAN, "the repository has no commit yet: push a first one, then ask again"
                ) from None
            raise EndTask(Stage.NEEDS_HUMAN, str(missing)) from None
        sha = mirror.resolve(choice.branch)
        return Prepared(
            base_branch=choice.branch,
            why=choice.why,
            base_sha=sha,
            start_sha=sha,
            branch=f"forgehand/issue-{task.number}-{task.id}",
        )

    def mirror(self, context: TaskContext) -> Mirror:
        return self.desk.mirror(context)

    def show(self, context: TaskContext) -> None:
        if questions.is_question(context.task()):
            explaining.show(context, self.desk)
        else:
            showing.show(context, self.desk)

    def publish(self, context: TaskContext) -> Move:
        return publishing.publish(context, self.desk)


def desk_of(context: TaskContext) -> Desk:
    """The desk of a GitHub task; a stage that only exists there asks for it."""
    source = context.source
    if not isinstance(source, GitHubSource):
        raise TypeError(f"task {context.id} did not come from GitHub")
    return source.desk
