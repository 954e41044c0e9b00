"""Celery, as a doorbell: messages carry the id of a task, or of a kernel's check, and nothing else.

Losing, doubling or delaying one changes only the delay, because the row decides (tried: with the filesystem and SQLite
brokers a killed worker loses its message despite late acknowledgement, on Redis the visibility timeout doubles it).
So acknowledgement is early, results are kept nowhere, and JSON is the only thing accepted.
"""

from typing import Any

from celery import Celery

from settings import Settings
from workers.folder_broker import SCHEME, open_folder

ADVANCE = "forgehand.advance"
QUEUE = "agent"
VERIFY = "forgehand.verify_kernel"
KERNELS = "kernels"


def make_celery(settings: Settings) -> Celery:
    """The Celery application for these settings: the broker of FORGEHAND_BROKER_URL, or a folder of files."""
    url = settings.broker_url.get_secret_value()
    options: dict[str, Any] = {}
    if not url:
        url, options = f"{SCHEME}://", open_folder(settings.state_dir / "broker")
    app = Celery("forgehand", broker=url, backend=None, set_as_current=False)
    app.conf.update(
        broker_transport_options=options,
        broker_connection_retry_on_startup=True,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_store_eager_result=False,
        task_acks_late=False,
        task_default_queue=QUEUE,
        task_create_missing_queues=True,
        task_default_delivery_mode="transient",
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_pool="threads",
        worker_concurrency=settings.worker_concurrency,
        task_publish_retry=False,
    )
    return app
